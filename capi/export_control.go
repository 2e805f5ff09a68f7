package main

// #include "bridge.h"
import "C"

import "math"

//export sprintgo_pool_start_cleanup
func sprintgo_pool_start_cleanup(slot C.uint32_t) (st C.sprint_status) {
	defer guard(&st)
	return status(pools.at(uint32(slot)).Load().StartCleanup())
}

//export sprintgo_pool_stop_cleanup
func sprintgo_pool_stop_cleanup(slot C.uint32_t) (st C.sprint_status) {
	defer guard(&st)
	pools.at(uint32(slot)).Load().StopCleanup()
	return C.SPRINT_OK
}

//export sprintgo_pool_resize
func sprintgo_pool_resize(slot, maxConnections, minIdle C.uint32_t) (st C.sprint_status) {
	defer guard(&st)
	number := func(v C.uint32_t) int { return int(min(int64(v), math.MaxInt32)) }
	return status(pools.at(uint32(slot)).Load().Resize(number(maxConnections), number(minIdle)))
}

//export sprintgo_pool_pause
func sprintgo_pool_pause(slot C.uint32_t) (st C.sprint_status) {
	defer guard(&st)
	return status(pools.at(uint32(slot)).Load().Pause())
}

//export sprintgo_pool_resume
func sprintgo_pool_resume(slot C.uint32_t) (st C.sprint_status) {
	defer guard(&st)
	return status(pools.at(uint32(slot)).Load().Resume())
}

//export sprintgo_pool_reset
func sprintgo_pool_reset(slot C.uint32_t) (st C.sprint_status) {
	defer guard(&st)
	return status(pools.at(uint32(slot)).Load().Reset())
}

//export sprintgo_pool_rotate
func sprintgo_pool_rotate(slot C.uint32_t) (st C.sprint_status) {
	defer guard(&st)
	return status(pools.at(uint32(slot)).Load().Rotate())
}

//export sprintgo_pool_evict_endpoint
func sprintgo_pool_evict_endpoint(slot C.uint32_t, endpoint *C.char) (st C.sprint_status) {
	defer guard(&st)
	return status(pools.at(uint32(slot)).Load().EvictEndpoint(string(hostText(endpoint, "evict_endpoint: endpoint"))))
}
