/* text.c - pieces of the tables and of the JSON. */
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "text.h"

const char *machine(void) {
    static char text[256];
    char line[256], *colon, model[128] = "unknown CPU";
    struct utsname os;
    FILE *cpuinfo = fopen("/proc/cpuinfo", "r");

    while (cpuinfo != NULL && fgets(line, sizeof line, cpuinfo) != NULL) {
        if (strncmp(line, "model name", 10) == 0 && (colon = strchr(line, ':')) != NULL) {
            snprintf(model, sizeof model, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
            break;
        }
    }
    if (cpuinfo != NULL)
        fclose(cpuinfo);
    uname(&os);
    snprintf(text, sizeof text, "%s, %ld CPUs, %s %s", model, sysconf(_SC_NPROCESSORS_ONLN),
             os.sysname, os.release);
    return text;
}

void json_text(FILE *to, const char *text) {
    fputc('"', to);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            fprintf(to, "\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            fprintf(to, "\\u%04x", (unsigned)*text);
        else
            fputc(*text, to);
    }
    fputc('"', to);
}
