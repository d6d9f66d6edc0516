// SPDX-License-Identifier: GPL-3.0-or-later
// QCustomPlot behind QT_NO_KEYWORDS: its header spells Qt's keywords out. Included by .cpp files of widgets/plot only.
#pragma once

#include <QtGlobal>

#define signals Q_SIGNALS
#define slots Q_SLOTS
#define emit
#define foreach Q_FOREACH
#include <qcustomplot.h>
#undef signals
#undef slots
#undef emit
#undef foreach
