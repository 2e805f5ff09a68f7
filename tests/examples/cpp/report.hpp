/* What people see: the live progress line and the table of latencies. */
#ifndef ENGINE_REPORT_HPP
#define ENGINE_REPORT_HPP

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <vector>

using Clock = std::chrono::steady_clock;

/*
 * Durations of one kind of operation, on one thread until merged: a histogram whose buckets
 * are at most 1/64 wide of what they count, so that a long run needs no more memory.
 */
class Latencies {
  public:
    Latencies() : buckets_(64 * 59) {}
    void add(Clock::duration took) {
        uint64_t ns = uint64_t(std::chrono::duration_cast<std::chrono::nanoseconds>(took).count());
        buckets_[bucket_of(ns)]++;
        count_++;
        max_ = std::max(max_, ns);
    }
    void failed() {
        errors_++;
    }
    void merge(const Latencies &other) {
        for (size_t i = 0; i < buckets_.size(); i++)
            buckets_[i] += other.buckets_[i];
        count_ += other.count_;
        errors_ += other.errors_;
        max_ = std::max(max_, other.max_);
    }

    static void print_head() {
        std::printf("%-8s %10s %8s %12s %12s %12s %12s\n", "", "count", "errors", "p50 us",
                    "p90 us", "p99 us", "max us");
    }
    void print(const char *name) const {
        std::printf("%-8s %10llu %8llu", name, count_, errors_);
        for (double share : {0.50, 0.90, 0.99, 1.0}) {
            if (count_ == 0)
                std::printf(" %12s", "-");
            else
                std::printf(" %12.1f", double(quantile(share)) / 1000);
        }
        std::printf("\n");
    }

  private:
    /* 64 buckets for the numbers below 64, and 64 more for each further power of two. */
    static size_t bucket_of(uint64_t ns) {
        if (ns < 64)
            return size_t(ns);
        unsigned power = 63 - unsigned(__builtin_clzll(ns));
        return size_t(power - 5) * 64 + ((ns >> (power - 6)) & 63);
    }
    static uint64_t top_of(size_t bucket) {
        if (bucket < 64)
            return bucket;
        return ((64 + bucket % 64 + 1) << (bucket / 64 - 1)) - 1;
    }
    /* What at least the given share of all durations does not exceed. */
    uint64_t quantile(double share) const {
        uint64_t wanted = uint64_t(std::ceil(share * double(count_)));
        size_t bucket = 0;
        for (uint64_t seen = buckets_[0]; seen < wanted; seen += buckets_[bucket])
            bucket++;
        return std::min(top_of(bucket), max_);
    }

    std::vector<uint64_t> buckets_;
    unsigned long long count_ = 0, errors_ = 0;
    uint64_t max_ = 0;
};

/* On a terminal one line, rewritten ten times a second; else one line a second. */
class Progress {
  public:
    Progress(Clock::time_point begin, Clock::duration total)
        : begin_(begin), total_(total), tty_(isatty(STDERR_FILENO) != 0) {}
    Clock::duration interval() const {
        return std::chrono::milliseconds(tty_ ? 100 : 1000);
    }
    void show(uint64_t done, uint64_t errors, uint32_t idle, uint32_t lent) const {
        using seconds = std::chrono::duration<double>;
        double total = seconds(total_).count();
        double at = std::min(seconds(Clock::now() - begin_).count(), total);
        int filled = int(at / total * bar_width);
        std::fprintf(stderr,
                     "%s[%.*s%*s] %4.1f/%.0f s  %llu done, %.0f/s, %llu errors, %u idle, %u lent%s",
                     tty_ ? "\r" : "", filled, "####################", bar_width - filled, "", at,
                     total, static_cast<unsigned long long>(done), at > 0 ? double(done) / at : 0,
                     static_cast<unsigned long long>(errors), idle, lent, tty_ ? "\033[K" : "\n");
    }
    /* Ends the rewritten line. */
    ~Progress() {
        if (tty_)
            std::fputc('\n', stderr);
    }

  private:
    static const int bar_width = 20;
    Clock::time_point begin_;
    Clock::duration total_;
    bool tty_;
};

#endif
