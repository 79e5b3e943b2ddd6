// SPDX-License-Identifier: Apache-2.0
#include "worker/worker.h"

int main(int argc, char **argv)
{
    return program_main(argc, argv, &worker_kind);
}
