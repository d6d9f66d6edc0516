// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/propose_dialog.h"

#include <QComboBox>
#include <QDialogButtonBox>
#include <QFormLayout>
#include <QLabel>
#include <QLineEdit>
#include <QPlainTextEdit>
#include <QPushButton>

#include "core/genome/search_space.h"
#include "widgets/style/format.h"
#include "widgets/style/theme.h"

namespace ratchet {
namespace {

// The search space counts parameters too; the window knows no tokenizer, so it asks with the largest one there is.
constexpr int byteVocabulary = 258;

QString boundsOf(const Bound& bounds)
{
    if (const auto* range = std::get_if<Range>(&bounds))
        return QStringLiteral("%1 \u2026 %2").arg(range->low).arg(range->high);
    if (const auto* versions = std::get_if<Versions>(&bounds))
        return ProposeDialog::tr("at most %1 versions").arg(versions->most);
    QStringList names;
    for (const Json& value : std::get<Choice>(bounds).values)
        names << formatJsonValue(value);
    return names.join(QStringLiteral(" | "));
}

} // namespace

ProposeDialog::ProposeDialog(const Snapshot& snapshot, const Json& patch, QWidget* parent)
    : QDialog(parent), m_space(snapshot.searchSpace)
{
    setWindowTitle(tr("Propose a change"));
    setMinimumSize(560, 380);
    const auto champion = championOf(snapshot);
    if (const Json* genome = champion ? snapshot.genomeOf(*champion) : nullptr)
        m_genome = *genome;
    if (const auto whole = Genome::fromJson(m_genome))
        m_genome = whole->document();

    m_paths = new QComboBox;
    m_paths->addItem(tr("Insert a path of the search space\u2026"));
    if (const auto space = SearchSpace::fromJson(m_space))
        for (const auto& [path, bounds] : space->paths())
            m_paths->addItem(QStringLiteral("%1   (%2)").arg(text(path), boundsOf(bounds)), text(path));
    m_patch = new QPlainTextEdit;
    m_patch->setFont(monoFont());
    m_patch->setTabChangesFocus(true);
    m_patch->setPlainText(patch.is_array() && !patch.empty() ? text(patch.dump(2)) : QStringLiteral("[\n]"));
    m_reason = new QLineEdit;
    m_reason->setPlaceholderText(tr("Why it should help; kept in the record"));
    m_verdict = new QLabel;
    m_verdict->setObjectName(QStringLiteral("noticeLine"));
    m_verdict->setWordWrap(true);

    auto* form = new QFormLayout;
    form->setSpacing(metric::gapSmall);
    form->addRow(tr("&Path"), m_paths);
    form->addRow(tr("Pa&tch"), m_patch);
    form->addRow(tr("&Reason"), m_reason);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel);
    m_send = buttons->addButton(tr("Propose"), QDialogButtonBox::AcceptRole);
    m_send->setProperty("primary", true);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(metric::gapLarge, metric::gapLarge, metric::gapLarge, metric::gapLarge);
    layout->setSpacing(metric::gap);
    layout->addLayout(form, 1);
    layout->addWidget(m_verdict);
    layout->addWidget(buttons);

    connect(m_patch, &QPlainTextEdit::textChanged, this, &ProposeDialog::check);
    connect(m_reason, &QLineEdit::textChanged, this, &ProposeDialog::check);
    connect(m_paths, &QComboBox::activated, this, [this](int index) { insertPath(m_paths->itemData(index).toString()); });
    connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    check();
}

void ProposeDialog::insertPath(const QString& path)
{
    m_paths->setCurrentIndex(0);
    if (path.isEmpty())
        return;
    auto operations = parseJson(m_patch->toPlainText().toStdString(), "the patch").value_or(Json::array());
    if (!operations.is_array())
        operations = Json::array();
    Json value;
    if (const Json::json_pointer pointer(path.toStdString()); m_genome.contains(pointer))
        value = m_genome.at(pointer);
    operations.push_back({{"op", "replace"}, {"path", path.toStdString()}, {"value", value}});
    m_patch->setPlainText(text(operations.dump(2)));
}

QString ProposeDialog::refusal(const Json& genome, const Json& searchSpace, const QString& patch)
{
    const auto operations = parseJson(patch.toStdString(), "The patch");
    if (!operations)
        return text(operations.error().text);
    if (!operations->is_array() || operations->empty())
        return tr("Write a list with at least one operation: choose a path above and change its value.");
    const auto parent = Genome::fromJson(genome);
    const auto space = SearchSpace::fromJson(searchSpace);
    if (!parent)
        return tr("There is no champion yet to change; the seed model is trained first.");
    if (!space)
        return text(space.error().text);
    const auto child = applyPatch(*parent, *operations);
    if (!child)
        return text(child.error().text);
    if (child->hash() == parent->hash())
        return tr("The patch changes nothing.");
    const auto admitted = space->admits(*parent, *child, byteVocabulary);
    return admitted ? QString() : text(admitted.error().text);
}

void ProposeDialog::check()
{
    QString problem = refusal(m_genome, m_space, m_patch->toPlainText());
    if (problem.isEmpty() && reason().isEmpty())
        problem = tr("Write a reason; it is kept with the proposal.");
    m_verdict->setText(problem.isEmpty() ? tr("Inside the search space. It will wait in the queue for a worker.") : problem);
    m_send->setEnabled(problem.isEmpty());
}

Json ProposeDialog::patch() const
{
    return parseJson(m_patch->toPlainText().toStdString(), "the patch").value_or(Json::array());
}

QString ProposeDialog::reason() const
{
    return m_reason->text().trimmed();
}

} // namespace ratchet
