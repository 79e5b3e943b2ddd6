/* SPDX-License-Identifier: Apache-2.0
 *
 * What kafka-sim was asked to do. Strings are borrowed from the command line or live here. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "sim_error.h"

#include <stdio.h>

enum { OPTIONS_TOPICS_MAX = 64, OPTIONS_PARTITIONS_MAX = 1000 };

struct topic_option {
    char name[256];   // as given, checked
    int  partitions;  // 1 .. OPTIONS_PARTITIONS_MAX
};

struct options {
    const char         *bootstrap_file;              // where to write the bootstrap list
    const char         *control_path;                // the control socket
    const char         *fleet;                       // NULL: no fleet's topics
    int                 brokers;                     // 1 .. 3
    int                 rtt_ms;                      // of every broker, 0: as fast as it goes
    int                 watch_ms;                    // between two looks; 0: never look
    int                 fleet_partitions[5];         // of the fleet's topics, in their order
    struct topic_option topics[OPTIONS_TOPICS_MAX];  // the fleet's and the others
    int                 topic_count;                 // how many of `topics` are set
    bool                help;                        // only print the manual
};

MUST_CHECK bool options_parse(struct options *options, int argc, char **argv,
                              struct sim_error *err);

void options_print_help(FILE *out);

#endif
