// Command second is another Go library, for a process that has ours.
package main

import "C"

import (
	"runtime"
	"time"

	"github.com/bitcoin-sprint/libsprint/internal/spawn"
)

func main() {}

// second_work answers 1 when goroutines and channels do.
//
//export second_work
func second_work() C.int {
	answers := make(chan int)
	for i := range 4 {
		spawn.Go("second", func() { answers <- len(make([]byte, 1000+i)) })
	}
	sum := 0
	for range 4 {
		sum += <-answers
	}
	if sum != 4006 {
		return 0
	}
	return 1
}

// second_recovered answers 1 when a nil dereference is a panic that can be recovered.
//
//export second_recovered
func second_recovered() (answer C.int) {
	defer func() {
		if recover() != nil {
			answer = 1
		}
	}()
	var nowhere *int
	return C.int(*nowhere)
}

var sink uint64

// second_collect_beside_a_loop answers how many ms a collection takes while a goroutine
// runs a loop without calls: it has to be preempted by SIGURG.
//
//export second_collect_beside_a_loop
func second_collect_beside_a_loop() C.int {
	started := make(chan bool)
	done := make(chan bool)
	spawn.Go("loop", func() {
		close(started)
		x := uint64(1)
		for range uint64(3_000_000_000) {
			x = x*6364136223846793005 + 1442695040888963407
		}
		sink = x
		close(done)
	})
	<-started
	begin := time.Now()
	runtime.GC()
	took := time.Since(begin)
	select {
	case <-done:
		return -1 // the loop was too short to show anything
	default:
		return C.int(took.Milliseconds())
	}
}
