#include "frontends/report/report.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include <fmt/format.h>

#include "frontends/report/graph_drawing.h"
#include "ir/text.h"

namespace egret {
namespace {

constexpr const char* kStyle = R"(
body{font:15px/1.5 system-ui,sans-serif;max-width:1080px;margin:2em auto;padding:0 1em;color:#1c2733;background:#fff}
h1{font-size:1.5em;margin-bottom:0}h2{font-size:1.15em;margin-top:2.2em;border-bottom:1px solid #d8dee5;padding-bottom:.2em}
table{border-collapse:collapse;margin:.8em 0}td,th{padding:.25em .9em .25em 0;text-align:left;vertical-align:top}
th{font-weight:600;color:#52606d}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
tr+tr td{border-top:1px solid #edf0f3}.note{color:#52606d}.scroll{overflow-x:auto;border:1px solid #d8dee5;max-height:720px;overflow-y:auto}
pre{background:#f5f7f9;padding:.8em;overflow-x:auto;font-size:12.5px;line-height:1.4}
details{margin:.3em 0}summary{cursor:pointer}svg text{font:11px system-ui,sans-serif;fill:#1c2733}
)";

std::string escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string with_unit(double value, const char* unit) {
  static const std::pair<double, const char*> kScales[] = {{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}, {1, ""},
                                                           {1e-3, "m"}, {1e-6, "&micro;"}, {1e-9, "n"}};
  for (const auto& [scale, prefix] : kScales) {
    if (value >= scale) return fmt::format("{:.3g} {}{}", value / scale, prefix, unit);
  }
  return fmt::format("{:.3g} {}", value, unit);
}

std::string figures(const OptimizeResult& r) {
  std::string out = "<table><tr><th></th><th class=n>before</th><th class=n>after</th><th class=n>ratio</th></tr>";
  auto row = [&](const char* what, double before, double after, const char* unit) {
    const bool plain = *unit == 0;
    out += fmt::format("<tr><td>{}</td><td class=n>{}</td><td class=n>{}</td><td class=n>{:.2f}</td></tr>", what,
                       plain ? fmt::format("{:.0f}", before) : with_unit(before, unit),
                       plain ? fmt::format("{:.0f}", after) : with_unit(after, unit), before > 0 ? after / before : 1.0);
  };
  row("kernels", static_cast<double>(r.kernels_before), static_cast<double>(r.kernels_after), "");
  row("operators", static_cast<double>(r.ops_before), static_cast<double>(r.ops_after), "");
  row("predicted time", r.predicted_before_s, r.predicted_after_s, "s");
  row("predicted time, fused without algebra", r.predicted_greedy_s, r.predicted_after_s, "s");
  row("memory traffic", r.bytes_before, r.bytes_after, "B");
  row("operations", r.flops_before, r.flops_after, "flop");
  return out + "</table>";
}

// Kernels as dots over operations a byte, log-log, under the device's roof.
std::string roofline(const OptimizeResult& r, const Device& device) {
  const double width = 760, height = 380, left = 64, bottom = 44, top = 16;
  double roof = 0;
  for (const auto& [dtype, peak] : device.contraction_peak) {
    if (dtype == DType::f32) roof = peak;
  }
  if (roof <= 0) roof = device.contraction_peak.begin()->second;
  const double x0 = -2, x1 = 4, y1 = std::ceil(std::log10(roof)) + 0.2, y0 = y1 - 6;
  auto px = [&](double v) { return left + (std::log10(v) - x0) / (x1 - x0) * (width - left - 12); };
  auto py = [&](double v) { return height - bottom - (std::log10(v) - y0) / (y1 - y0) * (height - bottom - top); };
  std::string svg = fmt::format("<svg viewBox='0 0 {} {}' width='{}' role=img aria-label='roofline of the kernels'>", width, height, width);
  for (int d = static_cast<int>(x0); d <= x1; ++d) {
    svg += fmt::format("<line x1='{0:.1f}' x2='{0:.1f}' y1='{1}' y2='{2}' stroke='#e4e8ec'/><text x='{0:.1f}' y='{3}' text-anchor=middle>{4}</text>",
                       px(std::pow(10, d)), top, height - bottom, height - bottom + 16, fmt::format("1e{}", d));
  }
  for (int d = static_cast<int>(std::ceil(y0)); d <= y1; ++d) {
    svg += fmt::format("<line x1='{1}' x2='{2}' y1='{0:.1f}' y2='{0:.1f}' stroke='#e4e8ec'/><text x='{3}' y='{4:.1f}' text-anchor=end>1e{5}</text>",
                       py(std::pow(10, d)), left, width - 12, left - 6, py(std::pow(10, d)) + 4, d);
  }
  const double knee = roof / device.bandwidth, low = std::pow(10, x0), high = std::pow(10, x1);
  svg += fmt::format("<polyline fill=none stroke='#1c2733' stroke-width=1.5 points='{:.1f},{:.1f} {:.1f},{:.1f} {:.1f},{:.1f}'/>",
                     px(low), py(std::max(low * device.bandwidth, std::pow(10, y0))), px(knee), py(roof), px(high), py(roof));
  double largest = 1e-12;
  for (const KernelReport& k : r.kernels) largest = std::max(largest, k.estimate.seconds);
  for (const KernelReport& k : r.kernels) {
    if (k.estimate.seconds <= 0 || k.estimate.bytes() <= 0) continue;
    const double x = std::clamp(std::max(k.estimate.flops(), 1.0) / k.estimate.bytes(), low, high);
    const double y = std::clamp(std::max(k.estimate.flops(), 1.0) / k.estimate.seconds, std::pow(10, y0), std::pow(10, y1));
    const bool compute = k.estimate.compute_seconds > k.estimate.memory_seconds;
    svg += fmt::format("<circle cx='{:.1f}' cy='{:.1f}' r='{:.1f}' fill='{}' fill-opacity='.6'><title>{}: {}, {}</title></circle>",
                       px(x), py(y), 3 + 9 * std::sqrt(k.estimate.seconds / largest), compute ? "#c2410c" : "#0f6fb5",
                       escaped(k.name), escaped(fmt::format("{}", fmt::join(k.operators, " "))), with_unit(k.estimate.seconds, "s"));
  }
  svg += fmt::format("<text x='{}' y='{}' text-anchor=middle>operations a byte</text>", (left + width) / 2, height - 8);
  svg += fmt::format("<text x='14' y='{}' transform='rotate(-90 14 {})' text-anchor=middle>operations a second</text></svg>", height / 2, height / 2);
  return svg + "<p class=note>A dot is a kernel; its area grows with its predicted time; blue: bound by memory or launch, orange: by arithmetic.</p>";
}

std::string kernel_table(const OptimizeResult& r) {
  std::string out = "<div class=scroll><table><tr><th>kernel</th><th>class</th><th>operators</th><th class=n>time</th><th class=n>operations</th><th class=n>bytes</th></tr>";
  for (const KernelReport& k : r.kernels) {
    out += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td class=n>{}</td><td class=n>{}</td><td class=n>{}</td></tr>", escaped(k.name),
                       to_string(k.kernel.plan.schedule), escaped(fmt::format("{}", fmt::join(k.operators, " "))),
                       with_unit(k.estimate.seconds, "s"), with_unit(k.estimate.flops(), "flop"), with_unit(k.estimate.bytes(), "B"));
  }
  return out + "</table></div>";
}

std::string rule_table(const OptimizeResult& r) {
  if (r.rules_used.empty()) return "<p>No rule was needed: the imported term is the fastest that was found.</p>";
  std::string out = "<table><tr><th>rule</th><th class=n>times</th><th>needs</th><th>verdict</th></tr>";
  for (const RuleUse& u : r.rules_used) {
    out += fmt::format("<tr><td>{}</td><td class=n>{}</td><td>{}</td><td>{}</td></tr>", escaped(u.name), u.count,
                       u.needs.empty() ? "nothing" : escaped(u.needs), escaped(u.verdict));
  }
  return out + "</table>";
}

std::string sources(const OptimizeResult& r) {
  std::string out;
  for (const auto& [path, bytes] : r.artifact.files) {
    if (!path.ends_with(".cu")) continue;
    out += fmt::format("<details><summary>{}</summary><pre>{}</pre></details>", escaped(path), escaped(bytes));
  }
  return out.empty() ? "<p>No kernel source was made.</p>" : out;
}

}  // namespace

std::string html_report(const OptimizeResult& r, const Graph* source) {
  std::string page = fmt::format(
      "<!doctype html><html lang=en><meta charset=utf-8><title>egret: {0} for {1}</title><style>{2}</style>"
      "<h1>{0}</h1><p class=note>optimized for {1}; {3} e-nodes in {4} classes, {5} iterations ({6}); {7} kernel candidates; {8}</p>",
      escaped(r.model), escaped(r.target), kStyle, r.enodes, r.eclasses, r.iterations, r.stop_reason, r.kernel_candidates,
      r.optimal ? "the choice is optimal over them" : fmt::format("no choice over them is below {}", with_unit(r.bound, "s")));
  page += "<h2>Before and after</h2>" + figures(r);
  if (r.max_error) {
    page += fmt::format("<p>Both programs ran on the host: largest error {:.2g}, {}.</p>", *r.max_error, r.check_ok ? "equal" : "<b>different</b>");
  }
  if (auto device = load_device(r.target); device.ok()) page += "<h2>Roofline</h2>" + roofline(r, *device);
  page += "<h2>Rewrites</h2>" + rule_table(r);
  page += "<h2>Kernels</h2>" + kernel_table(r);
  if (source) page += "<h2>Graph before</h2><div class=scroll>" + draw_graph(*source) + "</div>";
  page += "<h2>Graph after</h2><p class=note>A box is a kernel.</p><div class=scroll>" + draw_program(r.program) + "</div>";
  page += "<h2>Kernel sources</h2>" + sources(r);
  page += "<h2>Program</h2><details><summary>text form</summary><pre>" + escaped(print(r.optimized).substr(0, 400'000)) + "</pre></details>";
  return page + "</html>\n";
}

}  // namespace egret
