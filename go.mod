module github.com/bitcoin-sprint/libsprint

go 1.26

require (
	github.com/HdrHistogram/hdrhistogram-go v1.4.0
	github.com/awnumar/memguard v0.23.0
	github.com/prometheus/client_golang v1.25.0
	go.uber.org/goleak v1.3.0
	golang.org/x/sys v0.49.0
)

replace github.com/awnumar/memcall => ./securemem/memcall
