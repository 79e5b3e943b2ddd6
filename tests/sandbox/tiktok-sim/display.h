// SPDX-License-Identifier: Apache-2.0
/* display: user info and the lists of videos. */
#ifndef SIM_DISPLAY_H
#define SIM_DISPLAY_H

struct call;

void display_user(struct call *call);   // handler of user/info/
void display_list(struct call *call);   // handler of video/list/
void display_query(struct call *call);  // handler of video/query/

#endif
