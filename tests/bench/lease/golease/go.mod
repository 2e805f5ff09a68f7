// A module of its own: the peers do not enter the library's dependencies. -tags
// sprint_bench opens what measures the state machine without sockets.
module github.com/bitcoin-sprint/libsprint/tests/bench/lease/golease

go 1.26.0

require (
	github.com/bitcoin-sprint/libsprint v0.0.0
	github.com/jackc/puddle/v2 v2.2.3
	github.com/redis/go-redis/v9/redispool v0.0.0
	golang.org/x/sync v0.1.0
	golang.org/x/sys v0.49.0
)

require (
	github.com/HdrHistogram/hdrhistogram-go v1.4.0 // indirect
	github.com/bits-and-blooms/bitset v1.24.4 // indirect
	github.com/cenkalti/backoff/v5 v5.0.3 // indirect
	github.com/failsafe-go/failsafe-go v0.9.8 // indirect
	github.com/redis/go-redis/v9 v9.23.0 // indirect
	go.uber.org/atomic v1.12.0 // indirect
	golang.org/x/time v0.16.0 // indirect
)

replace github.com/bitcoin-sprint/libsprint => ../../../..

replace github.com/awnumar/memcall => ../../../../securemem/memcall

replace github.com/redis/go-redis/v9/redispool => ./redispool
