# Included by the root Makefile.

SOAKTIME ?= 10m
.PHONY: soak soak-short
soak: deps lib $(BUILD)/relay ## Four pools, 64 threads, a fault every second for SOAKTIME: errors, memory, counters
	tests/soak/run $(SOAKTIME)
soak-short: deps lib $(BUILD)/relay
	tests/soak/run 20s
