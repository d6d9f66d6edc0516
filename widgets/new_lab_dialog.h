// SPDX-License-Identifier: GPL-3.0-or-later
// Asks for what `ratchet new` asks for, checks it while it is typed, and makes the lab in a thread of its own.
// User-interface thread only.
#pragma once

#include <filesystem>
#include <thread>

#include <QDialog>

#include "core/agent/engine.h"
#include "core/plugin/domain.h"

class QComboBox;
class QDoubleSpinBox;
class QLabel;
class QLineEdit;
class QProgressBar;
class QPushButton;
class QSpinBox;

namespace ratchet {

class NewLabDialog : public QDialog {
    Q_OBJECT
public:
    explicit NewLabDialog(QWidget* parent = nullptr);

Q_SIGNALS:
    void created(const QString& lab);

private:
    // A box whose least value is shown as `word`, unless that is empty.
    static QSpinBox* share(int least, int most, int usual, const QString& word, const QString& suffix);
    void makeOptions();
    QWidget* gateRow();
    void domainChosen();
    void check();
    void create();
    void finished(const ratchet::Status& made);
    [[nodiscard]] Result<NewLab> wanted() const;
    QWidget* fileRow(QLineEdit* edit, const QString& title);

    QLineEdit *m_folder = nullptr, *m_corpus = nullptr, *m_goal = nullptr, *m_budget = nullptr, *m_seed = nullptr,
              *m_import = nullptr;
    QComboBox *m_domain = nullptr, *m_parents = nullptr;
    QSpinBox *m_candidates = nullptr, *m_placebos = nullptr, *m_proxy = nullptr, *m_audit = nullptr, *m_reward = nullptr, *m_tokens = nullptr,
             *m_gateItems = nullptr, *m_vaultLooks = nullptr;
    QDoubleSpinBox *m_alpha = nullptr, *m_minEffect = nullptr;
    QLabel* m_notice = nullptr;
    QProgressBar* m_busy = nullptr;
    QPushButton* m_create = nullptr;
    CorpusUse m_corpusUse = CorpusUse::None;
    std::jthread m_maker;
};

} // namespace ratchet
