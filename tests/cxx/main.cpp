/* Usage: PROGRAM [PART OF A TEST'S NAME]. Environment: RELAY, SPRINT_LIBRARY. */
#include "check.hpp"

int main(int argc, char **argv) {
    return check::run_all(argc > 1 ? argv[1] : "");
}
