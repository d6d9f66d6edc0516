// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panel_set.h"

#include <map>

#include "widgets/panels/activations_panel.h"
#include "widgets/panels/critic_panel.h"
#include "widgets/panels/curves_panel.h"
#include "widgets/panels/loop_panel.h"
#include "widgets/panels/plan_panel.h"
#include "widgets/panels/queue_panel.h"
#include "widgets/panels/review_panel.h"
#include "widgets/panels/timeline_panel.h"

namespace ratchet {

std::vector<Panel*> makePanels(QWidget* parent)
{
    return {new LoopPanel(parent),   new PlanPanel(parent),  new CurvesPanel(parent), new ActivationsPanel(parent),
            new CriticPanel(parent), new QueuePanel(parent), new ReviewPanel(parent), new TimelinePanel(parent)};
}

QSize pictureSize(const Panel& panel)
{
    static const std::map<QString, QSize> sizes{
        {QStringLiteral("loop"), {300, 420}},      {QStringLiteral("plan"), {360, 260}},  {QStringLiteral("queue"), {900, 460}},
        {QStringLiteral("timeline"), {1000, 200}}, {QStringLiteral("review"), {1000, 640}}};
    const auto found = sizes.find(panel.objectName());
    return found == sizes.end() ? QSize(760, 460) : found->second;
}

} // namespace ratchet
