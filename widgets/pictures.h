// SPDX-License-Identifier: GPL-3.0-or-later
// Pictures of every panel and the three layouts of a lab, light and dark, drawn off screen: for documents and for looking.
// User-interface thread only; runs the event loop while panels wait for their data.
#pragma once

#include <filesystem>

#include <QStringList>

#include "core/base/error.h"

class QApplication;

namespace ratchet {

// Writes panel-<name>-<theme>.png and layout-<name>-<width>x<height>-<theme>.png into `folder` (made when missing);
// answers with their names.
[[nodiscard]] Result<QStringList> takePictures(QApplication& application, const QString& folder, const std::filesystem::path& lab);

} // namespace ratchet
