package monitor

import (
	"encoding/json"
	"net/http"
	"time"
	"unsafe"

	"github.com/bitcoin-sprint/libsprint/pool"
)

// StartPatient is Start for tests of anything but the limits: no client is cut off and Close
// does not give up because the machine is slow.
func StartPatient(src Source, o Options) (*Server, error) {
	l := defaultLimits
	l.header, l.read, l.write, l.drain, l.closed = time.Minute, time.Minute, time.Minute, time.Minute, time.Minute
	l.connections = 1024 // where there is no room, net/http closes what has not sent its header for five seconds
	l.sample = time.Hour // who looks at src is the request
	return start(src, o, l)
}

// StartBounded is Start with the given time for headers and number of connections,
// and little patience in Close with those that are busy.
func StartBounded(src Source, o Options, header time.Duration, connections int) (*Server, error) {
	l := defaultLimits
	l.header, l.read, l.connections = header, header, connections
	l.drain, l.closed = 20*time.Millisecond, time.Minute
	l.sample = time.Hour // a test of the bounds counts the looks at src
	return start(src, o, l)
}

// NewHandler is what a server of src answers with.
func NewHandler(src Source, o Options) (http.Handler, error) {
	if err := o.resolve(); err != nil {
		return nil, err
	}
	h := &host{options: o, families: newFamilies(nil), pools: map[string]*handler{}}
	return newGate(h), h.add(newHandler(src, &o, time.Hour))
}

// History is what is kept of src.
type History struct{ *history }

// StartHistory takes a sample each second until Stop.
func StartHistory(src Source) History {
	h := newHistory(src, sampleEvery)
	h.start()
	return History{h}
}

// HistoryBytes is what the samples of a full history take.
func HistoryBytes() int {
	return samplesKept * (int(unsafe.Sizeof(sample{})) + len(pool.ErrorKinds())*int(unsafe.Sizeof(uint64(0))))
}

// Stop ends it.
func (h History) Stop() {
	h.stop()
	<-h.stopped
}

// Since is the JSON of the samples from number n on.
func (h History) Since(n uint64) []byte {
	body, err := json.Marshal(h.columns(n))
	if err != nil {
		panic(err)
	}
	return body
}
