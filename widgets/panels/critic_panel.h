// SPDX-License-Identifier: GPL-3.0-or-later
// How good the lab's models are and how far its instruments can be trusted, in five pages: verdicts of the gate, suites and
// failures of a version, its calibration, the signals, and the controls. User-interface thread only.
#pragma once

#include "widgets/panels/critic_verdicts.h"
#include "widgets/panels/panel.h"

class QStackedWidget;
class QTabBar;

namespace ratchet {

class CriticPanel : public Panel {
    Q_OBJECT
public:
    explicit CriticPanel(QWidget* parent = nullptr);
    [[nodiscard]] const LinePlot& plot() const { return m_verdicts->plot(); }
    [[nodiscard]] QStringList pages() const override;
    void turnTo(int page) override;

Q_SIGNALS:
    void noiseWanted();
    void replicationWanted();

protected:
    void refresh() override;

private:
    void addPage(CriticPage* page, const QString& title, const QString& help);
    [[nodiscard]] Figure figure() const;
    CriticVerdicts* m_verdicts = nullptr;
    QTabBar* m_tabs = nullptr;
    QStackedWidget* m_pages = nullptr;
};

} // namespace ratchet
