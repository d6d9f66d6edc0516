// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/welcome_page.h"

#include <QDir>
#include <QLabel>
#include <QPushButton>
#include <QVBoxLayout>

#include "widgets/style/theme.h"

namespace ratchet {

WelcomePage::WelcomePage(QWidget* parent) : QWidget(parent)
{
    auto* column = new QWidget(this);
    column->setFixedWidth(380);
    auto* layout = new QVBoxLayout(column);
    layout->setSpacing(metric::gap);
    auto* title = new QLabel(tr("Ratchet"));
    title->setFont(strongFont(metric::keyFigure));
    auto* what = new QLabel(tr("A laboratory in which a model is observed, changed, measured against the version in use, and "
                               "put to use only when the evidence and a person say so."));
    what->setWordWrap(true);
    what->setObjectName(QStringLiteral("secondary"));
    auto* make = new QPushButton(icon(QStringLiteral("new"), tokens(this).onAccent), tr("New lab\u2026   Ctrl+N"));
    make->setProperty("primary", true);
    auto* open = new QPushButton(icon(QStringLiteral("open")), tr("Open lab\u2026   Ctrl+O"));
    m_recent = new QVBoxLayout;
    m_recent->setSpacing(metric::gapTiny);
    layout->addWidget(title);
    layout->addWidget(what);
    layout->addSpacing(metric::gapSmall);
    layout->addWidget(make);
    layout->addWidget(open);
    layout->addLayout(m_recent);
    auto* outer = new QVBoxLayout(this);
    outer->addStretch(2);
    outer->addWidget(column, 0, Qt::AlignHCenter);
    outer->addStretch(3);
    connect(make, &QPushButton::clicked, this, &WelcomePage::newWanted);
    connect(open, &QPushButton::clicked, this, &WelcomePage::openWanted);
}

void WelcomePage::setRecent(const QStringList& labs)
{
    while (QLayoutItem* item = m_recent->takeAt(0)) {
        delete item->widget();
        delete item;
    }
    if (labs.isEmpty())
        return;
    auto* heading = new QLabel(tr("Recent"));
    heading->setObjectName(QStringLiteral("secondary"));
    m_recent->addSpacing(metric::gapSmall);
    m_recent->addWidget(heading);
    for (const QString& lab : labs) {
        auto* button = new QPushButton(QDir::toNativeSeparators(lab));
        button->setFlat(true);
        button->setStyleSheet(QStringLiteral("text-align: left; border: none; padding: 4px 0;"));
        m_recent->addWidget(button);
        connect(button, &QPushButton::clicked, this, [this, lab] { Q_EMIT labWanted(lab); });
    }
}

} // namespace ratchet
