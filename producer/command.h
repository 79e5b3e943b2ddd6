// SPDX-License-Identifier: Apache-2.0
/* The command line as a whole: finds the verb, reads its flags, runs it; help, version, settings.
 * */
#pragma once

int command_main(int argc, char **argv, char *const *environment);  // the exit status
