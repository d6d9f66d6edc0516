// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plot/figure_export.h"

#include <cmath>

#include <QBuffer>
#include <QFileDialog>
#include <QMenu>
#include <QMessageBox>
#include <QPageLayout>
#include <QPageSize>
#include <QPdfWriter>
#include <QSaveFile>
#include <QSvgGenerator>

#include "widgets/plot/qcp.h"
#include "widgets/style/theme.h"

namespace ratchet {

namespace {

QString settingsText(const Figure& figure)
{
    QString text;
    for (const auto& [name, value] : figure.settings)
        text += name + QStringLiteral(": ") + value + QLatin1Char('\n');
    return text;
}

// Title above and legend below the plot while a figure is drawn.
class Framed {
public:
    Framed(QCustomPlot* plot, const QString& title) : m_plot(plot)
    {
        m_plot->plotLayout()->insertRow(0);
        auto* text = new QCPTextElement(m_plot, title, strongFont(metric::body));
        text->setTextColor(lightTokens().text);
        text->setMargins(QMargins(8, 8, 8, 4));
        m_plot->plotLayout()->addElement(0, 0, text);
        m_title = text;
        if (m_plot->legend->itemCount() == 0)
            return;
        m_legend = true;
        m_plot->plotLayout()->addElement(2, 0, m_plot->legend);
        m_plot->plotLayout()->setRowStretchFactor(2, 0.001);
        m_plot->legend->setFillOrder(QCPLegend::foColumnsFirst);
        m_plot->legend->setWrap(3);
        m_plot->legend->setVisible(true);
    }
    ~Framed()
    {
        if (m_legend) {
            m_plot->legend->setVisible(false);
            m_plot->plotLayout()->take(m_plot->legend);
            m_plot->axisRect()->insetLayout()->addElement(m_plot->legend, Qt::AlignRight | Qt::AlignTop);
        }
        m_plot->plotLayout()->remove(m_title);
        m_plot->plotLayout()->simplify();
    }
    Framed(const Framed&) = delete;
    Framed& operator=(const Framed&) = delete;

private:
    QCustomPlot* m_plot;
    QCPLayoutElement* m_title = nullptr;
    bool m_legend = false;
};

QByteArray png(QCustomPlot* plot, const Figure& figure)
{
    QImage image = plot->toPixmap(figure.width, figure.height, 2).toImage();
    image.setText(QStringLiteral("Title"), figure.title);
    image.setText(QStringLiteral("Software"), QStringLiteral("Ratchet"));
    image.setText(QStringLiteral("Settings"), settingsText(figure));
    QByteArray bytes;
    QBuffer buffer(&bytes);
    return buffer.open(QIODevice::WriteOnly) && image.save(&buffer, "PNG") ? bytes : QByteArray();
}

QByteArray svg(QCustomPlot* plot, const Figure& figure)
{
    QByteArray bytes;
    QBuffer buffer(&bytes);
    QSvgGenerator generator;
    generator.setOutputDevice(&buffer);
    generator.setSize({figure.width, figure.height});
    generator.setViewBox(QRect(0, 0, figure.width, figure.height));
    generator.setTitle(figure.title.toHtmlEscaped());
    generator.setDescription(settingsText(figure).toHtmlEscaped());
    QCPPainter painter;
    if (!painter.begin(&generator))
        return {};
    painter.setMode(QCPPainter::pmVectorized);
    plot->toPainter(&painter, figure.width, figure.height);
    painter.end();
    return bytes;
}

QByteArray pdf(QCustomPlot* plot, const Figure& figure, const QByteArray& data)
{
    QByteArray bytes;
    QBuffer buffer(&bytes);
    if (!buffer.open(QIODevice::WriteOnly))
        return {};
    QPdfWriter writer(&buffer);
    writer.setTitle(figure.title);
    writer.setCreator(QStringLiteral("Ratchet"));
    writer.setResolution(96);
    writer.setPageLayout({QPageSize(QSizeF(figure.width, figure.height) * 0.75, QPageSize::Point), QPageLayout::Portrait, {}});
    writer.addFileAttachment(QStringLiteral("data.csv"), data, QStringLiteral("text/csv"));
    QCPPainter painter;
    if (!painter.begin(&writer))
        return {};
    painter.setMode(QCPPainter::pmVectorized);
    painter.setMode(QCPPainter::pmNoCaching);
    plot->toPainter(&painter, figure.width, figure.height);
    painter.end();
    return bytes;
}

} // namespace

QByteArray csvHeader(const Figure& figure)
{
    QByteArray text = "# " + figure.title.simplified().toUtf8() + "\n";
    for (const auto& [name, value] : figure.settings)
        text += "# " + name.simplified().toUtf8() + ": " + value.simplified().toUtf8() + "\n";
    return text;
}

QByteArray csvCell(const QString& text)
{
    QByteArray cell = text.toUtf8();
    if (!cell.contains(',') && !cell.contains('"') && !cell.contains('\n'))
        return cell;
    return '"' + cell.replace("\"", "\"\"") + '"';
}

QByteArray csvNumber(double value)
{
    return std::isfinite(value) ? QByteArray::number(value, 'g', QLocale::FloatingPointShortest) : QByteArray();
}

QString writeBytes(const QString& file, const QByteArray& bytes)
{
    QSaveFile out(file);
    if (out.open(QIODevice::WriteOnly) && out.write(bytes) == bytes.size() && out.commit())
        return {};
    return PlotWidget::tr("%1 could not be written: %2. Choose another folder.").arg(file, out.errorString());
}

QString saveFigure(QCustomPlot* plot, const QString& file, const Figure& figure, const QByteArray& data)
{
    QByteArray bytes;
    {
        const Framed frame(plot, figure.title);
        const QString suffix = file.section(QLatin1Char('.'), -1).toLower();
        if (suffix == QLatin1String("svg"))
            bytes = svg(plot, figure);
        else if (suffix == QLatin1String("pdf"))
            bytes = pdf(plot, figure, data);
        else if (suffix == QLatin1String("png"))
            bytes = png(plot, figure);
        else
            return PlotWidget::tr("A figure is saved as .png, .svg, .pdf or .csv; \"%1\" is none of these.").arg(file);
    }
    return bytes.isEmpty() ? PlotWidget::tr("The figure could not be drawn; make it smaller.") : writeBytes(file, bytes);
}

void addSaveActions(QMenu* menu, PlotWidget* plot, const std::function<Figure()>& figure)
{
    for (const char* suffix : {"png", "svg", "pdf", "csv"}) {
        const QString ending = QString::fromLatin1(suffix);
        QAction* action = menu->addAction(PlotWidget::tr("Export %1...").arg(ending.toUpper()));
        QObject::connect(action, &QAction::triggered, plot, [plot, figure, ending] {
            const QString file = QFileDialog::getSaveFileName(plot, PlotWidget::tr("Export"), QStringLiteral("figure.") + ending,
                                                              QStringLiteral("*.") + ending);
            if (file.isEmpty())
                return;
            const QString full = file.endsWith(QLatin1Char('.') + ending) ? file : file + QLatin1Char('.') + ending;
            if (const QString problem = plot->save(full, figure()); !problem.isEmpty())
                QMessageBox::warning(plot, PlotWidget::tr("Export"), problem);
        });
    }
}

} // namespace ratchet
