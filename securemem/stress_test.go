package securemem

import (
	"flag"
	"time"
)

// stressTime is how long random operations go on; the long run is
// go test -race -run EightGoroutines -stress 60s.
var stressTime = time.Second

func init() {
	flag.DurationVar(&stressTime, "stress", time.Second, "length of the run of random operations")
}
