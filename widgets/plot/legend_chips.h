// SPDX-License-Identifier: GPL-3.0-or-later
// The legend as a row of chips: line sample, name, value in tabular figures. A click hides or shows a run, a double click shows
// it alone, hovering brings it out. User-interface thread only.
#pragma once

#include <map>
#include <vector>

#include <QWidget>

namespace ratchet {

struct Chip {
    QString key, name, value, help;               // value: of a fixed width, so that nothing jumps
    int slot = 0;
    bool on = true;
    bool operator==(const Chip&) const = default;
};

class LegendChips : public QWidget {
    Q_OBJECT
public:
    explicit LegendChips(QWidget* parent = nullptr);
    void setChips(std::vector<Chip> chips);       // keeps what is hovered
    void setValues(const std::map<QString, QString>& values);
    [[nodiscard]] const std::vector<Chip>& chips() const { return m_chips; }
    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] bool hasHeightForWidth() const override { return true; }
    [[nodiscard]] int heightForWidth(int width) const override;

Q_SIGNALS:
    void toggled(const QString& key, bool on);
    void soloed(const QString& key);
    void hovered(const QString& key);             // empty: none

protected:
    void paintEvent(QPaintEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void leaveEvent(QEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    bool event(QEvent* event) override;

private:
    void fitHeight();
    [[nodiscard]] std::vector<QRect> place(int width) const;
    [[nodiscard]] std::vector<QRect> place(int width, int longest) const;
    [[nodiscard]] int chipAt(const QPoint& point) const;
    std::vector<Chip> m_chips;
    int m_hovered = -1;
};

} // namespace ratchet
