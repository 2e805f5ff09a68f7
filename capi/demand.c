//go:build sprint_panic

#include "abi.h"

/* The one function that the test library has more (demand.go). */
SPRINT_API int32_t sprint_test_panic(int32_t kind);

int32_t sprint_test_panic(int32_t kind) {
    return sprintgo_demand_panic(kind);
}
