// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/panel.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QMenu>
#include <QProgressBar>
#include <QPushButton>
#include <QStackedLayout>
#include <QToolButton>

#include "widgets/style/theme.h"

namespace ratchet {
namespace {

QToolButton* flatButton(const QString& iconName, const QString& tip, QWidget* parent)
{
    auto* button = new QToolButton(parent);
    button->setIcon(icon(iconName));
    button->setIconSize({metric::icon, metric::icon});
    button->setToolTip(tip);
    button->setAccessibleName(tip);
    button->setAutoRaise(true);
    button->setFocusPolicy(Qt::TabFocus);
    return button;
}

// A dock asks its title bar for a size hint and ignores a fixed height.
class HeaderRow : public QWidget {
public:
    using QWidget::QWidget;
    [[nodiscard]] QSize sizeHint() const override { return {QWidget::sizeHint().width(), metric::panelHeader}; }
    [[nodiscard]] QSize minimumSizeHint() const override { return {QWidget::minimumSizeHint().width(), metric::panelHeader}; }
};

} // namespace

Panel::Panel(const QString& name, const QString& title, QWidget* parent) : QWidget(parent), m_title(title)
{
    setObjectName(name);
    setFocusPolicy(Qt::ClickFocus);
    setAttribute(Qt::WA_StyledBackground);
    setAutoFillBackground(true);
    setBackgroundRole(QPalette::Base);

    m_headerRow = new HeaderRow(this);
    m_headerRow->setObjectName(QStringLiteral("panelHeader"));
    m_headerRow->setAttribute(Qt::WA_StyledBackground);
    m_headerRow->setFixedHeight(metric::panelHeader);
    auto* row = new QHBoxLayout(m_headerRow);
    row->setContentsMargins(metric::gap, 0, metric::gapTiny, 0);
    row->setSpacing(metric::gapSmall);
    auto* label = new QLabel(title, m_headerRow);
    label->setObjectName(QStringLiteral("panelTitle"));
    label->setFont(strongFont(metric::title));
    row->addWidget(label);
    row->addStretch(1);
    m_header = new QHBoxLayout;
    m_header->setSpacing(metric::gapTiny);
    row->addLayout(m_header);
    auto* more = flatButton(QStringLiteral("more"), tr("More for %1").arg(title), m_headerRow);
    m_menu = new QMenu(more);
    more->setMenu(m_menu);
    more->setPopupMode(QToolButton::InstantPopup);
    row->addWidget(more);
    // An overflow menu without entries would be a dead end.
    more->hide();
    connect(m_menu, &QMenu::aboutToShow, this, [this] { m_menu->setMinimumWidth(180); });
    m_more = more;

    m_busy = new QProgressBar(this);
    m_busy->setObjectName(QStringLiteral("busyLine"));
    m_busy->setTextVisible(false);
    m_busy->setRange(0, 1);
    m_busy->setFixedHeight(2);
    m_error = new QLabel(this);
    m_error->setObjectName(QStringLiteral("errorLine"));
    m_error->setWordWrap(true);
    m_error->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_error->hide();

    m_empty = new QWidget(this);
    auto* emptyLayout = new QVBoxLayout(m_empty);
    emptyLayout->setContentsMargins(metric::gapHuge, metric::gapHuge, metric::gapHuge, metric::gapHuge);
    emptyLayout->setSpacing(metric::gap);
    m_emptyText = new QLabel(m_empty);
    m_emptyText->setObjectName(QStringLiteral("emptyText"));
    m_emptyText->setWordWrap(true);
    m_emptyText->setAlignment(Qt::AlignCenter);
    m_emptyAction = new QPushButton(m_empty);
    emptyLayout->addStretch(1);
    emptyLayout->addWidget(m_emptyText);
    emptyLayout->addWidget(m_emptyAction, 0, Qt::AlignHCenter);
    emptyLayout->addStretch(1);
    connect(m_emptyAction, &QPushButton::clicked, this, [this] {
        if (m_onAction)
            m_onAction();
    });

    auto* body = new QWidget(this);
    m_stack = new QStackedLayout(body);
    m_stack->addWidget(m_empty);

    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(m_headerRow);
    layout->addWidget(m_busy);
    layout->addWidget(m_error);
    layout->addWidget(body, 1);
}

void Panel::setSession(LabSession* session)
{
    if (m_session)
        disconnect(m_session, nullptr, this, nullptr);
    m_session = session;
    if (m_session) {
        connect(m_session, &LabSession::changed, this, [this] { refresh(); });
        connect(m_session, &LabSession::selectionChanged, this, [this] { refresh(); });
    }
    showError({});
    refresh();
}

QString Panel::title() const
{
    return m_title;
}

void Panel::setBody(QWidget* body)
{
    m_stack->addWidget(body);
    m_stack->setCurrentWidget(body);
    m_more->setVisible(!m_menu->isEmpty());
}

void Panel::showEmpty(const QString& sentence, const QString& action, const std::function<void()>& onAction)
{
    m_emptyText->setText(sentence);
    m_emptyAction->setText(action);
    m_emptyAction->setVisible(!action.isEmpty());
    m_onAction = onAction;
    m_stack->setCurrentWidget(m_empty);
    m_more->setVisible(!m_menu->isEmpty());
}

void Panel::showBody()
{
    if (m_stack->count() > 1)
        m_stack->setCurrentIndex(1);
    m_more->setVisible(!m_menu->isEmpty());
}

QToolButton* Panel::addControl(const QString& iconName, const QString& tip, const std::function<void()>& onClick)
{
    auto* button = flatButton(iconName, tip, m_headerRow);
    m_header->addWidget(button);
    connect(button, &QToolButton::clicked, this, [onClick] { onClick(); });
    return button;
}

void Panel::setBusy(bool busy)
{
    m_busy->setRange(0, busy ? 0 : 1);
}

void Panel::showError(const QString& sentence, const QString& hint)
{
    m_error->setText(hint.isEmpty() ? sentence : sentence + QLatin1Char(' ') + hint);
    m_error->setVisible(!sentence.isEmpty());
}

} // namespace ratchet
