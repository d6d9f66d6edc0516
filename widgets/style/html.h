// SPDX-License-Identifier: GPL-3.0-or-later
// Small pieces of rich text in the window's type and colours, for detail panes and hovers. Everything that comes from the
// store goes through escape(). User-interface thread only.
#pragma once

#include <QString>

#include "core/base/json.h"
#include "widgets/style/tokens.h"

namespace ratchet {

[[nodiscard]] QString authorTitle(const std::string& author);   // "improver:ab12..." -> "the improver", "person:ana" -> "ana"

namespace html {
[[nodiscard]] QString escape(const QString& text);
[[nodiscard]] QString heading(const QString& text);               // escapes
[[nodiscard]] QString paragraph(const QString& html);
[[nodiscard]] QString colored(const QString& text, const QColor& color);   // escapes
// Rows "path  from -> to"; `parent` gives the old values and may be null.
[[nodiscard]] QString patchTable(const Json& patch, const Json& parent, const Tokens& tokens);
[[nodiscard]] QString page(const QString& body);                  // with margins and font sizes
} // namespace html

} // namespace ratchet
