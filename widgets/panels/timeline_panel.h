// SPDX-License-Identifier: GPL-3.0-or-later
// Timeline: every version from the seed to the champion, what became of each branch, and the way back.
// User-interface thread only.
#pragma once

#include "widgets/panels/panel.h"

class QToolButton;

namespace ratchet {

class TimelineView;

class TimelinePanel : public Panel {
    Q_OBJECT
public:
    explicit TimelinePanel(QWidget* parent = nullptr);

protected:
    void refresh() override;

private:
    void rollBack();
    [[nodiscard]] bool mayRollBack() const;   // the selected version was live once and is not now
    TimelineView* m_view = nullptr;
    QLabel* m_legend = nullptr;
    QToolButton* m_rollback = nullptr;
};

} // namespace ratchet
