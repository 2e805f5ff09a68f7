/*
 * engine.cpp - a program that finds libsprint at run time and talks through it.
 *
 * It loads the library, puts a login key into guarded memory, opens a pool, warms it up,
 * serves its metrics, lets four threads lease, log in and play PING/PONG for some seconds,
 * prints what that took, and leaves nothing behind. Exit status 0: all of it worked.
 */
#define SPRINT_HPP_DL
#include <sprint.hpp>

#include <poll.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <iostream>
#include <mutex>
#include <thread>
#include <vector>

#include "options.hpp"
#include "report.hpp"
#include "session.hpp"

namespace {

constexpr int thread_count = 4;
constexpr int64_t close_grace_ms = 2000;

/* Ends the run for everyone at once, or wakes who waits for that. */
class Stop {
  public:
    void request() {
        std::lock_guard<std::mutex> lock(mutex_);
        requested_ = true;
        changed_.notify_all();
    }
    bool requested() const {
        return requested_;
    }
    void wait_until(Clock::time_point when) {
        std::unique_lock<std::mutex> lock(mutex_);
        changed_.wait_until(lock, when, [this] { return requested_.load(); });
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::atomic<bool> requested_{false};
};

struct Counters {
    std::atomic<uint64_t> done{0};
    std::atomic<uint64_t> errors{0};
};

/* One thread's work: lease, log in if the connection is fresh, ask, give back. */
class Worker {
  public:
    Worker(const sprint::Pool &pool, const sprint::Buffer *key) : pool_(pool), key_(key) {}

    void run(Stop &stop, Counters &counters) {
        while (!stop.requested()) {
            if (!once(counters))
                stop.wait_until(Clock::now() + std::chrono::milliseconds(100));
        }
    }

    bool once(Counters &counters) {
        Latencies *now = &lease;
        try {
            Clock::time_point begin = Clock::now();
            sprint::Conn conn = pool_.acquire();
            lease.add(Clock::now() - begin);
            if (key_ != nullptr) {
                now = &login;
                if (conn.uses() == 0)
                    timed(login, [&] { log_in(conn, *key_); });
                now = &pings;
                timed(pings, [&] { ping(conn); });
            }
            counters.done++;
            return true;
        } catch (const std::exception &failure) {
            now->failed();
            if (counters.errors++ == 0)
                first_error = failure.what();
            return false;
        }
    }

    Latencies lease, login, pings;
    std::string first_error; /* only of the very first in all threads */

  private:
    template <class Work> static void timed(Latencies &to, Work work) {
        Clock::time_point begin = Clock::now();
        work();
        to.add(Clock::now() - begin);
    }

    const sprint::Pool &pool_;
    const sprint::Buffer *key_;
};

sprint::Pool open_pool(const Options &o) {
    sprint::Config config(o.endpoint.c_str());
    config.set_int(SPRINT_OPT_MAX_CONNECTIONS, o.connections)
        .set_int(SPRINT_OPT_METRICS_PORT, o.metrics_port);
    if (!o.ca_file.empty())
        config.set_str(SPRINT_OPT_CA_FILE, o.ca_file.c_str());
    if (!o.server_name.empty())
        config.set_str(SPRINT_OPT_SERVER_NAME, o.server_name.c_str());
    return sprint::Pool(config);
}

/* Fills an empty pool one by one: each lease is a TCP connect, a handshake, a verification. */
Latencies time_dials(const sprint::Pool &pool, uint32_t count) {
    Latencies dials;
    std::vector<sprint::Conn> leases;
    for (uint32_t i = 0; i < count; i++) {
        Clock::time_point begin = Clock::now();
        leases.push_back(pool.acquire());
        dials.add(Clock::now() - begin);
    }
    return dials;
}

/* Runs the threads and the progress line; returns the first error, or "". */
std::string run_workers(const sprint::Pool &pool, std::vector<Worker> &workers, int seconds) {
    Stop stop;
    Counters counters;
    std::vector<std::thread> threads;
    Clock::time_point begin = Clock::now(), end = begin + std::chrono::seconds(seconds);

    for (Worker &worker : workers)
        threads.emplace_back([&] { worker.run(stop, counters); });
    {
        Progress progress(begin, end - begin);
        for (Clock::time_point tick = begin; tick < end;) {
            tick = std::min(tick + progress.interval(), end);
            stop.wait_until(tick);
            sprint_pool_stats stats; /* the form that does not throw: threads are running */
            if (pool.stats(std::nothrow, &stats) == SPRINT_OK)
                progress.show(counters.done, counters.errors, stats.idle, stats.lent);
        }
    }
    stop.request();
    for (std::thread &thread : threads)
        thread.join();
    std::string first;
    for (const Worker &worker : workers)
        first += worker.first_error;
    return first;
}

/*
 * Waits for the end of standard input, or the given seconds, or whichever comes first. With
 * --lively somebody asks now and then meanwhile; what comes of it is for the metrics to say.
 */
void linger(const Options &o, Worker somebody) {
    constexpr long long between_ms = 20;
    Counters ignored_counters;
    if (!o.wait_stdin && o.linger == 0)
        return;
    Clock::time_point end = Clock::now() + std::chrono::seconds(o.linger);
    for (;;) {
        long long left =
            std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
        if (o.linger > 0 && left <= 0)
            return;
        if (o.lively)
            somebody.once(ignored_counters);
        if (o.linger == 0)
            left = -1;
        if (o.lively && (left < 0 || left > between_ms))
            left = between_ms;
        pollfd in = {STDIN_FILENO, POLLIN, 0};
        char ignored[256];
        int ready = poll(&in, o.wait_stdin ? 1 : 0, int(left));
        if (ready > 0 && read(STDIN_FILENO, ignored, sizeof ignored) <= 0)
            return;
    }
}

const char *backend_name(uint32_t backend) {
    return backend == SPRINT_BACKEND_SECRETMEM ? "memfd_secret" : "mlock";
}

void run(const Options &o) {
    sprint::load(o.library.empty() ? nullptr : o.library.c_str());
    std::printf("libsprint %s\n", sprint::version());

    sprint::Buffer key;
    if (!o.plain) {
        key = load_key(o.key_file);
        std::printf("key: %zu bytes in guarded memory (%s)\n", key.size(),
                    backend_name(sprint::memory_stats().backend));
    }
    sprint::Pool pool = open_pool(o);
    uint16_t port = pool.start_metrics();

    Latencies dials;
    Clock::time_point begin = Clock::now();
    if (o.plain)
        dials = time_dials(pool, o.connections);
    else
        pool.warm_up(o.connections);
    std::printf("warm: %u connections to %s in %.1f ms\n", pool.stats().idle, o.endpoint.c_str(),
                std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
    std::fflush(stdout);

    std::vector<Worker> workers(thread_count, Worker(pool, o.plain ? nullptr : &key));
    std::string first_error = run_workers(pool, workers, o.seconds);

    Latencies lease, login, pings;
    for (const Worker &worker : workers) {
        lease.merge(worker.lease);
        login.merge(worker.login);
        pings.merge(worker.pings);
    }
    Latencies::print_head();
    if (o.plain)
        dials.print("dial");
    lease.print("lease");
    if (!o.plain) {
        login.print("login");
        pings.print("ping");
    }
    std::printf("metrics http://127.0.0.1:%u\n", port);
    std::fflush(stdout);
    linger(o, Worker(pool, o.plain ? nullptr : &key));

    uint32_t forced = pool.close(close_grace_ms);
    pool.reset();
    key.reset();
    unsigned long long secrets = sprint::memory_stats().buffers;
    std::printf("closed: %u leases cut off, %llu secrets left\n", forced, secrets);
    if (!first_error.empty())
        throw std::runtime_error(first_error);
    if (forced != 0 || secrets != 0)
        throw std::runtime_error("something was left behind");
}

} // namespace

int main(int argc, char **argv) {
    try {
        run(parse_options(argc, argv));
        return 0;
    } catch (const std::invalid_argument &wrong) {
        std::cerr << "engine: " << wrong.what() << "\n" << usage;
        return 2;
    } catch (const std::exception &failure) {
        std::cerr << "engine: " << failure.what() << "\n";
        return 1;
    }
}
