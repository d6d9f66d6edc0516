// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/ratchet/live_view.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sys/ioctl.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ratchet {
namespace {

// A replication is trained outside the teeth.
std::string whereIn(const EngineStatus& status)
{
    return status.tooth > 0 ? fmt::format("tooth {} {}", status.tooth, status.stage) : status.stage;
}

constexpr std::chrono::seconds heartbeat{15}; // longest silence of a log while something trains

std::string bar(double fraction, int cells)
{
    const int full = static_cast<int>(std::lround(std::clamp(fraction, 0.0, 1.0) * cells));
    return fmt::format("[{:#<{}}{:.<{}}]", "", full, "", cells - full);
}

std::string evidence(const EngineStatus& status)
{
    if (status.logThreshold <= 0)
        return {};
    return fmt::format("E {:.3g} of {:.3g} needed", std::exp(std::min(status.logEValue, 690.0)),
                       std::exp(std::min(status.logThreshold, 690.0)));
}

std::string leftText(std::chrono::milliseconds left)
{
    return left.count() > 0 ? fmt::format(", {} left", toText(left)) : std::string();
}

// A score as the domain's own metric.
std::string championText(double score, bool bitsPerByte)
{
    return bitsPerByte ? fmt::format("{:.3f} bits per byte", (1 - score) * 8) : toTextPercent(score);
}

std::size_t terminalWidth()
{
    winsize size{};
    return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40 ? size.ws_col : 80;
}

// At most `width` bytes of ASCII or whole UTF-8 characters.
std::string cut(std::string line, std::size_t width)
{
    if (line.size() <= width)
        return line;
    while (width > 0 && (static_cast<unsigned char>(line[width]) & 0xC0) == 0x80)
        --width;
    line.resize(width);
    return line;
}

} // namespace

namespace {

// Judging and loading have no loss.
std::string lossText(const EngineStatus::Running& run)
{
    return run.loss > 0 ? fmt::format(" loss {:.4f}", run.loss) : "";
}

} // namespace

LiveView::LiveView(Style style, bool bitsPerByte)
    : m_terminal(style == Style::Terminal || (style == Style::Automatic && ::isatty(STDOUT_FILENO) == 1)),
      m_bitsPerByte(bitsPerByte)
{
}

LiveView::~LiveView()
{
    if (m_drawn > 0)
        fmt::print("\n");
    std::fflush(stdout);
}

std::vector<std::string> LiveView::picture(const EngineStatus& status, std::size_t width, bool bitsPerByte)
{
    std::vector<std::string> lines;
    lines.push_back(fmt::format("{}  {}{}", whereIn(status), toText(status.elapsed), leftText(status.remaining)));
    lines.push_back(fmt::format("budget {} {} of {}   champion {}",
                                bar(status.budget.value > 0 ? status.spent.value / status.budget.value : 0, 20),
                                toText(status.spent), toText(status.budget),
                                championText(status.champion, bitsPerByte)));
    for (const EngineStatus::Running& run : status.running)
        lines.push_back(fmt::format("  {} {:>4.0f} %  loss {:.4f}  {}{}  {}", bar(run.fraction, 20), 100 * run.fraction,
                                    run.loss, run.stage, leftText(run.left), run.title));
    if (const std::string text = evidence(status); !text.empty())
        lines.push_back("judging  " + text);
    if (status.waitingDecisions > 0)
        lines.push_back(fmt::format("{} waiting for a person: ratchet approve or reject", status.waitingDecisions));
    for (std::string& line : lines)
        line = cut(std::move(line), width);
    return lines;
}

std::string LiveView::news(const EngineStatus& status)
{
    std::string text = whereIn(status);
    for (const EngineStatus::Running& run : status.running)
        text += fmt::format(", {} ({})", run.title, run.stage);
    if (status.waitingDecisions > 0)
        text += fmt::format(", {} waiting for a person", status.waitingDecisions);
    return text;
}

void LiveView::show(const EngineStatus& status)
{
    if (m_terminal)
        redraw(status);
    else
        append(status);
    std::fflush(stdout);
}

void LiveView::redraw(const EngineStatus& status)
{
    const std::vector<std::string> lines = picture(status, terminalWidth() - 1, m_bitsPerByte);
    std::string out = m_drawn > 1 ? fmt::format("\033[{}A", m_drawn - 1) : "";
    out += m_drawn > 0 ? "\r" : "";
    for (std::size_t i = 0; i < lines.size(); ++i)
        out += lines[i] + "\033[K" + (i + 1 < lines.size() ? "\n" : "");
    out += "\033[J";
    m_drawn = lines.size();
    fmt::print("{}", out);
}

void LiveView::append(const EngineStatus& status)
{
    const std::string text = news(status);
    const auto time = std::chrono::steady_clock::now();
    if (text == m_news && (status.running.empty() || time - m_last < heartbeat))
        return;
    m_news = text;
    m_last = time;
    std::string line = fmt::format("{:>9}  {}", toText(status.elapsed), whereIn(status));
    for (const EngineStatus::Running& run : status.running)
        line += fmt::format("; {} {} {:.0f} %{}{}", run.title, run.stage, 100 * run.fraction, lossText(run), leftText(run.left));
    if (const std::string found = evidence(status); !found.empty())
        line += "; " + found;
    line += fmt::format("; champion {}; {} of {}{}", championText(status.champion, m_bitsPerByte), toText(status.spent),
                        toText(status.budget), leftText(status.remaining));
    if (status.waitingDecisions > 0)
        line += fmt::format("; {} waiting for a person", status.waitingDecisions);
    fmt::print("{}\n", line);
}

} // namespace ratchet
