package monitor

import "time"

// StartBounded is Start with the given time for headers and number of connections,
// and little patience in Close.
func StartBounded(src Source, o Options, header time.Duration, connections int) (*Server, error) {
	l := defaultLimits
	l.header, l.read, l.connections = header, header, connections
	l.drain = 20 * time.Millisecond
	return start(src, o, l)
}
