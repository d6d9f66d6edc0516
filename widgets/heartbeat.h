// SPDX-License-Identifier: GPL-3.0-or-later
// Measures how smoothly the event loop turns: the largest gap between two beats of a 10 ms timer. User-interface thread only.
#pragma once

#include <chrono>

#include <QElapsedTimer>
#include <QObject>
#include <QTimer>

namespace ratchet {

class Heartbeat : public QObject {
    Q_OBJECT
public:
    explicit Heartbeat(QObject* parent = nullptr) : QObject(parent)
    {
        m_timer.setTimerType(Qt::PreciseTimer);
        connect(&m_timer, &QTimer::timeout, this, [this] {
            const auto gap = std::chrono::milliseconds(m_since.restart());
            m_largest = m_beats++ == 0 ? std::chrono::milliseconds(0) : std::max(m_largest, gap);
        });
        m_since.start();
        m_timer.start(10);
    }
    [[nodiscard]] std::chrono::milliseconds largestGap() const { return m_largest; }
    [[nodiscard]] long beats() const { return m_beats; }
    void reset() { m_beats = 0; m_largest = {}; }

private:
    QTimer m_timer;
    QElapsedTimer m_since;
    std::chrono::milliseconds m_largest{0};
    long m_beats = 0;
};

} // namespace ratchet
