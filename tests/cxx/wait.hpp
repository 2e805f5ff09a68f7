/* Waiting for something that happens on its own. */
#ifndef WAIT_HPP
#define WAIT_HPP

#include <chrono>
#include <thread>

#include "check.hpp"

template <class Condition> void wait_until(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) {
            CHECK(!"it never came true");
            return;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

#endif
