// SPDX-License-Identifier: GPL-3.0-or-later
// What the window shows without a lab: make one, open one, or go on with a recent one. User-interface thread only.
#pragma once

#include <QWidget>

class QVBoxLayout;

namespace ratchet {

class WelcomePage : public QWidget {
    Q_OBJECT
public:
    explicit WelcomePage(QWidget* parent = nullptr);
    void setRecent(const QStringList& labs);

Q_SIGNALS:
    void newWanted();
    void openWanted();
    void labWanted(const QString& lab);

private:
    QVBoxLayout* m_recent = nullptr;
};

} // namespace ratchet
