/* text.h - pieces of the tables and of the JSON. */
#ifndef BENCH_TEXT_H
#define BENCH_TEXT_H

#include <stdio.h>

/** "AMD EPYC, 2 CPUs, Linux 6.1.0" */
const char *machine(void);

/** text as a JSON string, quotes included. */
void json_text(FILE *to, const char *text);

#endif
