// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/style/html.h"

#include <QCoreApplication>

#include "widgets/style/format.h"

namespace ratchet {

QString authorTitle(const std::string& author)
{
    const QString name = text(author);
    if (name.startsWith(QLatin1String("person:")))
        return name.mid(7);
    if (name.startsWith(QLatin1String("policy:")))
        return QCoreApplication::translate("html", "policy %1").arg(name.mid(7, 10));
    if (name.startsWith(QLatin1String("improver")))
        return QCoreApplication::translate("html", "the improver");
    return name;
}

namespace html {

QString escape(const QString& text)
{
    return text.toHtmlEscaped();
}

QString heading(const QString& text)
{
    return QStringLiteral("<p style='font-weight:600; margin:0 0 4px 0'>%1</p>").arg(escape(text));
}

QString paragraph(const QString& html)
{
    return QStringLiteral("<p style='margin:0 0 6px 0'>%1</p>").arg(html);
}

QString colored(const QString& text, const QColor& color)
{
    return QStringLiteral("<span style='color:%1'>%2</span>").arg(color.name(), escape(text));
}

QString patchTable(const Json& patch, const Json& parent, const Tokens& tokens)
{
    QString rows;
    if (!patch.is_array())
        return rows;
    for (const Json& operation : patch) {
        if (!operation.is_object() || !operation.contains("path") || !operation["path"].is_string())
            continue;
        const auto path = operation["path"].get<std::string>();
        QString before;
        try {
            if (const Json::json_pointer pointer(path); parent.is_object() && parent.contains(pointer))
                before = formatJsonValue(parent.at(pointer));
        } catch (const Json::exception&) {
            before.clear();   // a malformed path has no old value
        }
        const QString after = operation.contains("value") ? formatJsonValue(operation["value"]) : QString(QChar(0x2013));
        const QString change = before.isEmpty() ? after : QStringLiteral("%1 \u2192 %2").arg(before, after);
        rows += QStringLiteral("<tr><td style='color:%1; padding-right:12px'>%2</td><td>%3</td></tr>")
                    .arg(tokens.secondary.name(), escape(text(path).mid(1)), escape(change));
    }
    return rows.isEmpty() ? rows
                          : QStringLiteral("<table style='font-family:monospace; font-size:12px; margin:0 0 6px 0'>%1</table>").arg(rows);
}

QString page(const QString& body)
{
    return QStringLiteral("<body style='margin:8px 8px; font-size:13px'>%1</body>").arg(body);
}

} // namespace html
} // namespace ratchet
