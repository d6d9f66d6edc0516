// SPDX-License-Identifier: GPL-3.0-or-later
// A label, a value and a thin bar in one line of the toolbar: goal and budget. User-interface thread only.
#pragma once

#include <QWidget>

namespace ratchet {

class Meter : public QWidget {
    Q_OBJECT
public:
    explicit Meter(QWidget* parent = nullptr);
    // fraction 0 .. 1; target: a mark on the bar, negative for none.
    void show(const QString& label, const QString& value, double fraction, double target = -1);
    void setBarColor(const QColor& color);
    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override { return {120, sizeHint().height()}; }

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    QString m_label, m_value;
    double m_fraction = 0, m_target = -1;
    QColor m_color;
};

} // namespace ratchet
