// SPDX-License-Identifier: Apache-2.0
#include "poller/poller.h"

int main(int argc, char **argv)
{
    return program_main(argc, argv, &poller_kind);
}
