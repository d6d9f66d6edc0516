// SPDX-License-Identifier: GPL-3.0-or-later
// The look of the HTML report: light and dark by the reader's setting; series differ in colour (Okabe and Ito 2008, safe
// for colour-blind readers) and in dash.
#pragma once

namespace ratchet {

inline constexpr const char* reportStyle = R"(
:root { color-scheme: light dark; --back: #fff; --text: #1b1f24; --faint: #66707c; --rule: #d9dee4; --accent: #0072b2;
  --c0: #0072b2; --c1: #d55e00; --c2: #009e73; --c3: #cc79a7; --c4: #8a6d00; --c5: #3a8fc0; }
@media (prefers-color-scheme: dark) { :root { --back: #15181c; --text: #e4e7eb; --faint: #98a2ae; --rule: #333a42;
  --accent: #56b4e9; --c0: #56b4e9; --c1: #e69f00; --c2: #2fc79a; --c3: #e29bc4; --c4: #f0e442; --c5: #9bd1f2; } }
body { background: var(--back); color: var(--text); font: 15px/1.5 Inter, "DejaVu Sans", sans-serif; max-width: 1100px;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; } p { margin: .3rem 0; }
.faint { color: var(--faint); } .big { font-size: 1.3rem; } code { font-family: "DejaVu Sans Mono", monospace; font-size: .9em; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--rule); vertical-align: top; }
th { color: var(--faint); font-weight: 500; } td.n, th.n { text-align: right; white-space: nowrap; }
tr.good td { font-weight: 600; } figure { margin: 1rem 0; } figcaption { color: var(--faint); } svg { width: 100%; height: auto; }
.grid { stroke: var(--rule); } .mark { stroke: var(--faint); stroke-dasharray: 6 4; } .tick, .axis { fill: var(--faint); font-size: 12px; }
.line { fill: none; stroke-width: 1.8; } .c0 { stroke: var(--c0); } .c1 { stroke: var(--c1); stroke-dasharray: 8 3; }
.c2 { stroke: var(--c2); stroke-dasharray: 2 3; } .c3 { stroke: var(--c3); stroke-dasharray: 10 3 2 3; }
.c4 { stroke: var(--c4); stroke-dasharray: 4 4; } .c5 { stroke: var(--c5); stroke-dasharray: 12 4; }
.dot.c0 { fill: var(--c0); } .dot.c1 { fill: var(--c1); } .dot.c2 { fill: var(--c2); } .dot.c3 { fill: var(--c3); }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; font-size: .85rem; } .key::before { content: "\2014\00a0"; font-weight: 900; }
.key.c0::before { color: var(--c0); } .key.c1::before { color: var(--c1); } .key.c2::before { color: var(--c2); }
.key.c3::before { color: var(--c3); } .key.c4::before { color: var(--c4); } .key.c5::before { color: var(--c5); }
)";

} // namespace ratchet
