// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/ratchet/stop_signal.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <sys/eventfd.h>
#include <unistd.h>

namespace ratchet {
namespace {

// The handler may only touch these.
std::atomic<int> g_signals{0};
std::atomic<int> g_event{-1};

void onSignal(int number)
{
    if (g_signals.fetch_add(1) > 0)
        ::_exit(128 + number);
    const int before = errno;
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(g_event.load(), &one, sizeof one);
    errno = before;
}

void handle(void (*handler)(int))
{
    struct sigaction action {};
    action.sa_handler = handler;
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
}

} // namespace

StopOnSignal::StopOnSignal(std::function<void()> onStop)
{
    g_signals = 0;
    g_event = ::eventfd(0, EFD_CLOEXEC);
    m_thread = std::jthread([this, onStop = std::move(onStop)](const std::stop_token& ending) {
        std::uint64_t count = 0;
        while (::read(g_event.load(), &count, sizeof count) < 0 && errno == EINTR)
            continue;
        if (ending.stop_requested())
            return;
        m_source.request_stop();
        if (onStop)
            onStop();
    });
    handle(&onSignal);
}

StopOnSignal::~StopOnSignal()
{
    handle(SIG_DFL);
    m_thread.request_stop();
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(g_event.load(), &one, sizeof one);
    m_thread.join();
    ::close(g_event.exchange(-1));
}

} // namespace ratchet
