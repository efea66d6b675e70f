//! The page's style sheet.

/// Light and dark by the reader's setting; one column on a phone.
pub(super) const STYLE: &str = "
:root { --paper: #fbfaf8; --ink: #1d2126; --soft: #5d6670; --rule: #dcd9d3; --card: #ffffff; --a: #0b6e99; --b: #d2691e;
  --bar: #cfe3ec; --good: #1c7c4a; --bad: #b3362b; color-scheme: light dark; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14171a; --ink: #e7e6e2; --soft: #9aa3ab; --rule: #2e3338; --card: #1b1f23; --a: #58b4dc;
    --b: #f0a05a;
    --bar: #234653; --good: #62c08b; --bad: #ef8a80; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, 'Segoe UI', Roboto,
  'Noto Sans', 'DejaVu Sans', sans-serif; -webkit-text-size-adjust: 100%; }
main { max-width: 1120px; margin: 0 auto; padding: 28px 18px 60px; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 4px; letter-spacing: -0.01em; }
h2 { font-size: 1.15rem; margin: 44px 0 4px; padding-top: 14px; border-top: 1px solid var(--rule); }
h3 { font-size: 1rem; margin: 0 0 6px; font-weight: 600; }
p { margin: 4px 0 12px; max-width: 70ch; }
.soft, figcaption { color: var(--soft); font-size: 0.875rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(148px, 1fr)); gap: 12px; margin: 20px 0 4px; }
.tile { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 12px 14px; }
.tile b { display: block; font-size: 1.5rem; line-height: 1.25; font-variant-numeric: tabular-nums; font-weight: 600; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 330px), 1fr)); gap: 14px;
  margin-top: 14px; }
figure { margin: 0; background: var(--card); border: 1px solid var(--rule); border-radius: 10px;
  padding: 12px 12px 8px; }
figcaption { display: flex; flex-wrap: wrap; gap: 2px 14px; margin-top: 2px; }
.key::before { content: ''; display: inline-block; width: 16px; height: 3px; border-radius: 2px; margin: 0 6px 4px 0;
  background: var(--a); }
.key.b::before { background: var(--b); }
svg { display: block; width: 100%; height: auto; font: 11px system-ui, 'DejaVu Sans', sans-serif; }
svg polyline { fill: none; stroke-width: 1.8; stroke-linejoin: round; stroke: var(--a); }
svg polyline.b { stroke: var(--b); }
svg circle { fill: var(--a); } svg circle.b { fill: var(--b); }
svg .grid { stroke: var(--rule); } svg .guide { stroke: var(--soft); stroke-dasharray: 3 4; }
svg .mark { stroke: var(--soft); stroke-dasharray: 1 3; }
svg .tick, svg .axis, svg .note { fill: var(--soft); } svg .axis { font-size: 11px; } svg .note { font-size: 10px; }
.scroll { overflow-x: auto; margin-top: 12px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 0.925rem; }
th, td { padding: 6px 10px; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--rule); }
th { font-weight: 600; color: var(--soft); font-size: 0.8125rem;
  } thead tr:first-child th[colspan] { text-align: center; }
th:first-child, td:first-child { text-align: left; padding-left: 0; } td:first-child { font-weight: 600; }
.better { color: var(--good); } .worse { color: var(--bad); }
.four { grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); }
.bars { columns: 330px; column-gap: 32px; margin-top: 12px; }
.bar { display: grid; grid-template-columns: 196px 1fr 56px; gap: 8px; align-items: center; font-size: 0.8125rem;
  line-height: 1.75;
  break-inside: avoid; white-space: nowrap; }
.bar span:first-child { overflow: hidden; text-overflow: ellipsis; }
.bar span:last-child { text-align: right; font-variant-numeric: tabular-nums; }
.bar i { display: block; height: 9px; border-radius: 3px; background: linear-gradient(to right, var(--a) var(--to),
  var(--bar) 0); }
td i { display: inline-block; height: 9px; border-radius: 3px; background: var(--a); vertical-align: middle;
  min-width: 1px; }
td.wide { width: 38%; text-align: left; }
@media (min-width: 930px) { .four svg { font-size: 8px; } .four svg .axis { font-size: 8px;
  } .four svg polyline { stroke-width: 1.3; }
  .four svg circle { r: 1.9px; } }
@media (max-width: 560px) { main { padding: 20px 12px 48px; } th, td { padding: 5px 7px;
  } td.wide, th.wide { display: none; } }
";
