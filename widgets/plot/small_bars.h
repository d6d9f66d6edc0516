// SPDX-License-Identifier: GPL-3.0-or-later
// A histogram in little room: bars, the range below, the count on hover. User-interface thread only.
#pragma once

#include <cstdint>
#include <vector>

#include <QWidget>

namespace ratchet {

class SmallBars : public QWidget {
    Q_OBJECT
public:
    explicit SmallBars(QWidget* parent = nullptr);
    // `low` and `high`: where the first bar begins and the last ends, in `unit`.
    void setBars(std::vector<std::int64_t> counts, double low, double high, const QString& unit = {});
    // A second set drawn as an outline over the first, with its own total; empty: none.
    void setOutline(std::vector<std::int64_t> counts, double low, double high);
    [[nodiscard]] QSize sizeHint() const override { return {220, 130}; }
    [[nodiscard]] QSize minimumSizeHint() const override { return {120, 70}; }

protected:
    void paintEvent(QPaintEvent* event) override;
    bool event(QEvent* event) override;

private:
    struct Bars { std::vector<std::int64_t> counts; double low = 0, high = 1; };
    [[nodiscard]] QRectF area() const;
    Bars m_bars, m_outline;
    QString m_unit;
};

} // namespace ratchet
