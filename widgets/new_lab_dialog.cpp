// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/new_lab_dialog.h"

#include <QComboBox>
#include <QDialogButtonBox>
#include <QDir>
#include <QDoubleSpinBox>
#include <QFileDialog>
#include <QFormLayout>
#include <QLabel>
#include <QLineEdit>
#include <QProgressBar>
#include <QPushButton>
#include <QSpinBox>
#include <QToolButton>

#include "core/plugin/loader.h"
#include "core/selector/archive.h"
#include "widgets/style/format.h"
#include "widgets/style/theme.h"

namespace ratchet {
namespace {

// Of numbers from 0.000001 up: shows no more digits than they have.
class ExactBox : public QDoubleSpinBox {
public:
    ExactBox(const QString& prefix, double least, double most, double usual)
    {
        setDecimals(6);
        setRange(least, most);
        setStepType(AdaptiveDecimalStepType);
        setPrefix(prefix);
        setValue(usual);
    }
    QString textFromValue(double value) const override { return locale().toString(value, 'f', QLocale::FloatingPointShortest); }
};

} // namespace

NewLabDialog::NewLabDialog(QWidget* parent) : QDialog(parent)
{
    setWindowTitle(tr("New lab"));
    setMinimumWidth(520);
    m_folder = new QLineEdit(QDir::homePath() + QStringLiteral("/lab"));
    m_domain = new QComboBox;
    for (const std::string& name : domainNames())
        m_domain->addItem(text(name));
    m_corpus = new QLineEdit;
    m_corpus->setPlaceholderText(tr("A text file or a folder of text files"));
    m_goal = new QLineEdit;
    m_budget = new QLineEdit;
    m_seed = new QLineEdit;
    m_seed->setPlaceholderText(tr("Drawn at random; a given one repeats the same lab"));
    m_candidates = new QSpinBox;
    m_candidates->setRange(1, 16);
    m_candidates->setValue(4);
    m_candidates->setSuffix(tr(" proposals a tooth"));
    makeOptions();
    m_folder->setObjectName(QStringLiteral("folder"));
    m_corpus->setObjectName(QStringLiteral("corpus"));
    m_domain->setObjectName(QStringLiteral("domain"));
    m_tokens->setObjectName(QStringLiteral("tokens"));
    m_notice = new QLabel;
    m_notice->setObjectName(QStringLiteral("noticeLine"));
    m_notice->setWordWrap(true);
    m_busy = new QProgressBar;
    m_busy->setObjectName(QStringLiteral("busyLine"));
    m_busy->setTextVisible(false);
    m_busy->setRange(0, 1);

    auto* form = new QFormLayout;
    form->setSpacing(metric::gapSmall);
    form->addRow(tr("&Folder"), fileRow(m_folder, tr("Folder of the new lab")));
    form->addRow(tr("&Domain"), m_domain);
    form->addRow(tr("&Corpus"), fileRow(m_corpus, tr("Text to learn from")));
    form->addRow(tr("&Goal"), m_goal);
    form->addRow(tr("&Budget"), m_budget);
    form->addRow(tr("&Seed"), m_seed);
    form->addRow(tr("C&andidates"), m_candidates);
    form->addRow(tr("&Parents"), m_parents);
    form->addRow(tr("P&lacebos"), m_placebos);
    form->addRow(tr("Gat&e"), gateRow());
    form->addRow(tr("&Vault"), m_vaultLooks);
    form->addRow(tr("G&ive up after"), m_proxy);
    form->addRow(tr("A&udits"), m_audit);
    form->addRow(tr("&Reward model"), m_reward);
    form->addRow(tr("&Tokens"), m_tokens);
    form->addRow(tr("Start fro&m"), fileRow(m_import, tr("Hugging Face folder, GPT-2 or Llama in shape")));
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel);
    m_create = buttons->addButton(tr("Create lab"), QDialogButtonBox::AcceptRole);
    m_create->setProperty("primary", true);
    m_create->setObjectName(QStringLiteral("create"));
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(metric::gapLarge, metric::gapLarge, metric::gapLarge, metric::gapLarge);
    layout->setSpacing(metric::gap);
    layout->addLayout(form);
    layout->addWidget(m_notice);
    layout->addWidget(m_busy);
    layout->addWidget(buttons);
    connect(m_domain, &QComboBox::currentIndexChanged, this, &NewLabDialog::domainChosen);
    for (QLineEdit* edit : {m_folder, m_corpus, m_goal, m_budget, m_seed, m_import})
        connect(edit, &QLineEdit::textChanged, this, &NewLabDialog::check);
    for (QSpinBox* box : {m_proxy, m_reward})
        connect(box, &QSpinBox::valueChanged, this, &NewLabDialog::check);
    connect(buttons, &QDialogButtonBox::accepted, this, &NewLabDialog::create);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    domainChosen();
}

QSpinBox* NewLabDialog::share(int least, int most, int usual, const QString& word, const QString& suffix)
{
    auto* box = new QSpinBox;
    box->setRange(least, most);
    box->setSpecialValueText(word);
    box->setSuffix(suffix);
    box->setSingleStep(5);
    box->setValue(usual);
    return box;
}

void NewLabDialog::makeOptions()
{
    m_parents = new QComboBox;
    for (const std::string& policy : parentPolicies())
        m_parents->addItem(text(policy));
    m_parents->setToolTip(tr("Whom candidates start from: mostly the champion (balanced), always it (sequential), always the first version (best-of-n), "
                             "or any version that the gate accepted, by score, novelty, clade or island"));
    m_placebos = new QSpinBox;
    m_placebos->setRange(0, 90);
    m_placebos->setSuffix(tr(" % of the candidates"));
    m_placebos->setToolTip(tr("Candidates without any effect among the others, unseen, to see whether the gate accepts them"));
    m_vaultLooks = share(0, 9999, LabConfig().vaultLooks, {}, tr(" looks at most"));
    m_vaultLooks->setObjectName(QStringLiteral("vaultLooks"));
    m_vaultLooks->setToolTip(tr("How often the vault of the corpus is opened: once for each promotion, and at the end of a run. Then nothing can be promoted any more"));
    m_proxy = share(0, 95, 0, tr("never"), tr(" % of its budget"));
    m_proxy->setObjectName(QStringLiteral("proxy"));
    m_proxy->setToolTip(tr("Share of a trial's budget after which it is looked at, and given up when what looked like it hardly ever got through the gate"));
    m_audit = share(1, 100, 20, {}, tr(" % of the given up are trained all the same"));
    m_audit->setObjectName(QStringLiteral("audit"));
    m_audit->setToolTip(tr("Chance that a trial that would be given up is trained and judged all the same, so that the lab keeps learning whether it gives up the right ones"));
    m_reward = share(0, 100, 0, tr("none"), tr(" % of a trial's budget"));
    m_reward->setObjectName(QStringLiteral("reward"));
    m_reward->setToolTip(tr("Learns a reward model from graded answers, at this share of a trial's budget. It orders what is judged and decides nothing"));
    m_tokens = new QSpinBox;
    m_tokens->setRange(256, 65536);
    m_tokens->setSpecialValueText(tr("bytes"));
    m_tokens->setSuffix(tr(" byte pairs learnt from the corpus"));
    m_tokens->setSingleStep(256);
    m_import = new QLineEdit;
    m_import->setPlaceholderText(tr("A new model; or a Hugging Face folder"));
}

// As `ratchet new` takes them.
QWidget* NewLabDialog::gateRow()
{
    const LabConfig usual;
    m_alpha = new ExactBox(tr("alpha "), LabConfig::leastAlpha, LabConfig::mostAlpha, usual.alpha);
    m_alpha->setObjectName(QStringLiteral("alpha"));
    m_alpha->setToolTip(tr("Chance of a false accept over all questions of the lab together. With less of it more evidence is needed"));
    m_gateItems = new QSpinBox;
    m_gateItems->setRange(LabConfig::leastGateItems, LabConfig::mostGateItems);
    m_gateItems->setSingleStep(500);
    m_gateItems->setSuffix(tr(" items"));
    m_gateItems->setValue(usual.gateItems);
    m_gateItems->setObjectName(QStringLiteral("gateItems"));
    m_gateItems->setToolTip(tr("Most items that a question to the gate may draw. More of them show smaller gains, and cost more"));
    m_minEffect = new ExactBox(tr("effect "), 0, LabConfig::mostMinEffect, usual.minEffect);
    m_minEffect->setObjectName(QStringLiteral("minEffect"));
    m_minEffect->setToolTip(tr("Smallest gain in score worth accepting: a question ends when it is excluded. 0.01 is one point, or 0.08 bits per byte"));
    auto* row = new QWidget;
    auto* layout = new QHBoxLayout(row);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(metric::gapSmall);
    for (QAbstractSpinBox* box : std::initializer_list<QAbstractSpinBox*>{m_alpha, m_gateItems, m_minEffect})
        layout->addWidget(box, 1);
    row->setFocusProxy(m_alpha);
    return row;
}

QWidget* NewLabDialog::fileRow(QLineEdit* edit, const QString& title)
{
    auto* row = new QWidget;
    auto* layout = new QHBoxLayout(row);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(edit, 1);
    auto* browse = new QToolButton;
    browse->setIcon(icon(QStringLiteral("open")));
    browse->setToolTip(title);
    layout->addWidget(browse);
    row->setFocusProxy(edit);
    connect(browse, &QToolButton::clicked, this, [this, edit, title] {
        const QString chosen = QFileDialog::getExistingDirectory(this, title, edit->text());
        if (!chosen.isEmpty())
            edit->setText(chosen);
    });
    return row;
}

void NewLabDialog::domainChosen()
{
    const auto domain = loadDomain(m_domain->currentText().toStdString());
    m_corpusUse = CorpusUse::None;
    if (domain) {
        const DomainInfo info = (*domain)->info();
        m_corpusUse = info.corpus;
        m_goal->setPlaceholderText(text(info.defaultGoal));
        m_budget->setPlaceholderText(formatFlops(info.defaultBudget));
        m_domain->setToolTip(text(info.title));
    }
    m_corpus->parentWidget()->setEnabled(m_corpusUse != CorpusUse::None);
    m_tokens->setEnabled(m_corpusUse == CorpusUse::Text);
    m_reward->setEnabled(domain && (*domain)->info().measure == Measure::ExactMatch);     // of a likelihood there is no right and wrong
    m_import->parentWidget()->setEnabled(m_corpusUse == CorpusUse::Text);
    check();
    if (!domain) {
        m_notice->setText(text(domain.error().text + " " + domain.error().hint));
        m_create->setEnabled(false);
    }
}

Result<NewLab> NewLabDialog::wanted() const
{
    NewLab lab;
    lab.root = m_folder->text().trimmed().toStdString();
    lab.domain = m_domain->currentText().toStdString();
    lab.corpus = m_corpusUse != CorpusUse::None ? m_corpus->text().trimmed().toStdString() : std::string();
    lab.goal = m_goal->text().trimmed().toStdString();
    lab.candidates = m_candidates->value();
    lab.parents = m_parents->currentText().toStdString();
    lab.placebos = m_placebos->value() / 100.0;
    lab.alpha = m_alpha->value();
    lab.gateItems = m_gateItems->value();
    lab.minEffect = m_minEffect->value();
    if (!lab.corpus.empty())
        lab.vaultLooks = m_vaultLooks->value();
    lab.proxy = m_proxy->value() / 100.0;
    lab.audit = m_audit->value() / 100.0;
    if (m_reward->isEnabled())
        lab.reward = m_reward->value() / 100.0;
    if (m_tokens->isEnabled() && m_tokens->value() > m_tokens->minimum())
        lab.tokenizer = fmt::format("bpe:{}", m_tokens->value());
    if (m_import->isEnabled())
        lab.importFrom = m_import->text().trimmed().toStdString();
    if (lab.root.empty())
        return fail(Code::Usage, "Choose a folder; it is made when it is not there.");
    if (QFileInfo folder(m_folder->text()); folder.exists() && (!folder.isDir() || !QDir(m_folder->text()).isEmpty()))
        return fail(Code::Usage, "There is something at this place already; choose a new or empty folder.");
    if (m_corpusUse == CorpusUse::Text && lab.corpus.empty())
        return fail(Code::Usage, "This domain learns from a text: choose a file or folder.");
    if (!m_budget->text().trimmed().isEmpty()) {
        RATCHET_TRY(budget, parseFlops(m_budget->text().trimmed().toStdString()));
        lab.budget = budget;
    }
    if (!m_seed->text().trimmed().isEmpty()) {
        bool isNumber = false;
        lab.seed = m_seed->text().trimmed().toULongLong(&isNumber);
        if (!isNumber)
            return fail(Code::Usage, "The seed is a whole number, not negative.");
    }
    return lab;
}

void NewLabDialog::check()
{
    const auto lab = wanted();
    m_audit->setEnabled(m_proxy->value() > 0);     // nobody is given up, nobody is audited
    m_vaultLooks->setEnabled(m_corpusUse != CorpusUse::None && !m_corpus->text().trimmed().isEmpty());     // else every look has new items
    m_create->setEnabled(lab.has_value());
    m_notice->setText(lab ? tr("The folder, its keys and the judge's secret are made now; the seed model is trained at the first start.")
                          : text(lab.error().hint.empty() ? lab.error().text : lab.error().text + " " + lab.error().hint));
}

void NewLabDialog::create()
{
    const auto lab = wanted();
    if (!lab)
        return;
    m_create->setEnabled(false);
    m_busy->setRange(0, 0);
    m_maker = std::jthread([this, lab = *lab] {   // joined by the destructor
        const Status made = newLab(lab);
        QMetaObject::invokeMethod(this, [this, made] { finished(made); }, Qt::QueuedConnection);
    });
}

void NewLabDialog::finished(const Status& made)
{
    m_busy->setRange(0, 1);
    m_create->setEnabled(true);
    if (!made) {
        m_notice->setText(text(made.error().hint.empty() ? made.error().text : made.error().text + " " + made.error().hint));
        return;
    }
    Q_EMIT created(m_folder->text().trimmed());
    accept();
}

} // namespace ratchet
