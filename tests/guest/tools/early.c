/* early.c - a library that calls ours from its constructor, under the loader's lock. */
#include <sprint.h>

static int answer;

__attribute__((constructor)) static void call_early(void) {
    sprint_buffer buffer = 0;
    sprint_config config = 0;

    answer = sprint_config_new("relay.test:443", &config) == SPRINT_OK &&
             sprint_buffer_random(32, 0, &buffer) == SPRINT_OK;
    sprint_buffer_free(buffer);
    sprint_config_free(config);
}

int served(void) {
    return answer;
}
