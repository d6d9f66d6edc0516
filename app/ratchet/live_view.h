// SPDX-License-Identifier: GPL-3.0-or-later
// The running engine as text: redrawn in place on a terminal, one line per change elsewhere. Called by the engine's
// watcher, on the thread that runs the engine.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "core/agent/status.h"

namespace ratchet {

class LiveView {
public:
    // Terminal: redraws; Lines: appends. Automatic asks whether stdout is a terminal.
    enum class Style { Automatic, Terminal, Lines };
    explicit LiveView(Style style = Style::Automatic, bool bitsPerByte = false);
    ~LiveView(); // leaves the last picture standing
    void show(const EngineStatus& status);

    // The lines of the picture, without any control character. Pure.
    [[nodiscard]] static std::vector<std::string> picture(const EngineStatus& status, std::size_t width,
                                                          bool bitsPerByte);
    // What is worth a line in a log: changes when, and only when, a reader should hear of it. Pure.
    [[nodiscard]] static std::string news(const EngineStatus& status);

private:
    void redraw(const EngineStatus& status);
    void append(const EngineStatus& status);
    bool m_terminal;
    bool m_bitsPerByte;
    std::size_t m_drawn = 0; // lines on the screen that belong to the picture
    std::string m_news;
    std::chrono::steady_clock::time_point m_last{};
};

} // namespace ratchet
