#include "frontends/report/report.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include <fmt/format.h>

#include "frontends/report/graph_drawing.h"
#include "frontends/report/html.h"
#include "ir/text/text.h"

namespace egret {
namespace {

constexpr const char* kStyle = R"(
body{font:15px/1.5 system-ui,sans-serif;max-width:1080px;margin:2em auto;padding:0 1em;color:#1c2733;background:#fff}
h1{font-size:1.5em;margin-bottom:0}h2{font-size:1.15em;margin-top:2.2em;border-bottom:1px solid #d8dee5;padding-bottom:.2em}
table{border-collapse:collapse;margin:.8em 0}td,th{padding:.25em .9em .25em 0;text-align:left;vertical-align:top}
th{font-weight:600;color:#52606d}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
tr+tr td{border-top:1px solid #edf0f3}.note{color:#52606d}.scroll{overflow-x:auto;border:1px solid #d8dee5;max-height:720px;overflow-y:auto}
pre{background:#f5f7f9;padding:.8em;overflow-x:auto;font-size:12.5px;line-height:1.4}
details{margin:.3em 0}td.n{white-space:nowrap}.key{display:inline-block;width:12px;height:12px;border:1px solid #7b8794;border-radius:3px;margin-right:.4em;vertical-align:-1px}
.bar{display:inline-block;height:9px;background:#0f6fb5;border-radius:2px;vertical-align:0}.ops{font-size:.88em;color:#3e4c59}
summary{cursor:pointer}svg text{font:11px system-ui,sans-serif;fill:#1c2733}
)";

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
  if (r.memory.total() > 0) {
    out += fmt::format("<tr><td>device memory at once</td><td></td><td class=n>{}</td><td></td></tr>", with_unit(static_cast<double>(r.memory.total()), "B"));
  }
  return out + "</table>";
}

// What took the predicted time away: three bars.
std::string bars(const OptimizeResult& r) {
  std::string out = "<table>";
  const double most = std::max({r.predicted_before_s, r.predicted_greedy_s, r.predicted_after_s, 1e-12});
  auto bar = [&](const char* what, double seconds) {
    out += fmt::format("<tr><td>{}</td><td class=n>{}</td><td><span class=bar style='width:{:.1f}px'></span></td></tr>", what,
                       with_unit(seconds, "s"), 1 + 460 * seconds / most);
  };
  bar("an operator a kernel", r.predicted_before_s);
  bar("fused, without algebra", r.predicted_greedy_s);
  bar("rewritten and fused", r.predicted_after_s);
  return out + "</table>";
}

// Kernels as dots over operations a byte, log-log, under the device's roof.
class Roofline {
 public:
  Roofline(const OptimizeResult& r, const Device& device) : result_(r), device_(device) {
    for (const auto& [dtype, peak] : device.contraction_peak) {
      if (dtype == DType::f32) roof_ = peak;
    }
    if (roof_ <= 0) roof_ = device.contraction_peak.begin()->second;
    y1_ = std::ceil(std::log10(roof_)) + 0.2;
    y0_ = y1_ - 6;
  }

  std::string draw() {
    svg_ = fmt::format("<svg viewBox='0 0 {0} {1}' width='{0}' role=img aria-label='roofline of the kernels'>", kW, kH);
    grid();
    roof();
    double largest = 1e-12;
    for (const KernelReport& k : result_.kernels) largest = std::max(largest, k.estimate.seconds);
    for (const KernelReport& k : result_.kernels) dot(k, largest);
    svg_ += fmt::format("<text x='{}' y='{}' text-anchor=middle>arithmetic intensity, flop a byte</text>", (kLeft + kW) / 2, kH - 8);
    svg_ += fmt::format("<text x='14' y='{0}' transform='rotate(-90 14 {0})' text-anchor=middle>speed, flop a second</text></svg>", kH / 2);
    return svg_ + "<p class=note>A dot is a kernel; its area grows with its predicted time; blue: bound by memory or launch, orange: by "
                  "arithmetic. Kernels without arithmetic stand at the left end.</p>";
  }

 private:
  static constexpr double kW = 860, kH = 420, kLeft = 74, kBottom = 46, kTop = 16, kX0 = -2, kX1 = 4;
  double px(double v) const { return kLeft + (std::log10(v) - kX0) / (kX1 - kX0) * (kW - kLeft - 12); }
  double py(double v) const { return kH - kBottom - (std::log10(v) - y0_) / (y1_ - y0_) * (kH - kBottom - kTop); }

  void grid() {
    for (int d = static_cast<int>(kX0); d <= kX1; ++d) {
      const double x = px(std::pow(10, d));
      svg_ += fmt::format("<line x1='{0:.1f}' x2='{0:.1f}' y1='{1}' y2='{2}' stroke='#e4e8ec'/><text x='{0:.1f}' y='{3}' text-anchor=middle>{4}</text>",
                          x, kTop, kH - kBottom, kH - kBottom + 16, fmt::format("{:g}", std::pow(10, d)));
    }
    for (int d = static_cast<int>(std::ceil(y0_)); d <= y1_; ++d) {
      const double y = py(std::pow(10, d));
      svg_ += fmt::format("<line x1='{1}' x2='{2}' y1='{0:.1f}' y2='{0:.1f}' stroke='#e4e8ec'/><text x='{3}' y='{4:.1f}' text-anchor=end>{5}</text>", y, kLeft,
                          kW - 12, kLeft - 6, y + 4, with_unit(std::pow(10, d) * 1.0000001, ""));
    }
  }

  void roof() {
    const double knee = roof_ / device_.bandwidth, low = std::max(std::pow(10, kX0), std::pow(10, y0_) / device_.bandwidth);
    svg_ += fmt::format("<polyline fill=none stroke='#1c2733' stroke-width=1.5 points='{:.1f},{:.1f} {:.1f},{:.1f} {:.1f},{:.1f}'/>", px(low),
                        py(low * device_.bandwidth), px(knee), py(roof_), px(std::pow(10, kX1)), py(roof_));
    svg_ += fmt::format("<text x='{:.1f}' y='{:.1f}' text-anchor=end>peak (f32) {}</text>", kW - 16, py(roof_) - 6, with_unit(roof_, "flop/s"));
    const double middle = std::sqrt(low * knee), x = px(middle), y = py(middle * device_.bandwidth);
    const double angle = std::atan2(py(low * device_.bandwidth) - py(roof_), px(knee) - px(low)) * 180 / 3.14159265;
    svg_ += fmt::format("<text x='{0:.1f}' y='{1:.1f}' transform='rotate({2:.1f} {0:.1f} {1:.1f})' text-anchor=middle dy='-6'>memory {3}</text>", x, y, -angle,
                        with_unit(device_.bandwidth, "B/s"));
  }

  void dot(const KernelReport& k, double largest) {
    if (k.estimate.seconds <= 0 || k.estimate.bytes() <= 0) return;
    const double x = std::clamp(std::max(k.estimate.flops(), 1.0) / k.estimate.bytes(), std::pow(10, kX0), std::pow(10, kX1));
    const double y = std::clamp(std::max(k.estimate.flops(), 1.0) / k.estimate.seconds, std::pow(10, y0_), std::pow(10, y1_));
    const bool compute = k.estimate.compute_seconds > k.estimate.memory_seconds;
    svg_ += fmt::format("<circle cx='{:.1f}' cy='{:.1f}' r='{:.1f}' fill='{}' fill-opacity='.55' stroke='#fff' stroke-width='.6'><title>{}: {}, {}</title></circle>",
                        px(x), py(y), 3 + 8 * std::sqrt(k.estimate.seconds / largest), compute ? "#c2410c" : "#0f6fb5", escaped(k.name),
                        escaped(fmt::format("{}", fmt::join(k.operators, " "))), with_unit(k.estimate.seconds, "s"));
  }

  const OptimizeResult& result_;
  const Device& device_;
  double roof_ = 0, y0_ = 0, y1_ = 0;
  std::string svg_;
};

// "broadcast 3 x, mul 2 x, dot": what a kernel holds, the most frequent first in order of appearance.
std::string summary_of(const std::vector<std::string>& operators) {
  std::vector<std::pair<std::string, int>> counts;
  for (const std::string& o : operators) {
    auto it = std::find_if(counts.begin(), counts.end(), [&](const auto& c) { return c.first == o; });
    if (it == counts.end()) {
      counts.emplace_back(o, 1);
    } else {
      ++it->second;
    }
  }
  std::string out;
  for (const auto& [name, count] : counts) out += fmt::format("{}{}{}", out.empty() ? "" : ", ", name, count > 1 ? fmt::format(" &times;{}", count) : "");
  return out;
}

// What would stand in a kernel's place: "+3.2 us: dot, add | exp; also without: mul".
std::string runner_up_of(const KernelReport& k) {
  if (!k.runner_up) return "";
  auto list = [](const std::vector<std::vector<std::string>>& kernels) {
    std::vector<std::string> texts;
    for (const auto& operators : kernels) {
      if (std::string text = summary_of(operators); std::ranges::find(texts, text) == texts.end()) texts.push_back(std::move(text));
    }
    return fmt::format("{}", fmt::join(texts, " <b>|</b> "));
  };
  const double dearer = k.runner_up->dearer;
  const std::string price = dearer == 0 ? "as cheap" : (dearer < 0 ? "-" : "+") + with_unit(std::abs(dearer), "s");
  std::string out = price + ": " + list(k.runner_up->in);
  if (k.runner_up->out.size() > 1) out += fmt::format(" (in the place of {} kernels)", k.runner_up->out.size());
  return out;
}

std::string kernel_table(const OptimizeResult& r) {
  double total = 1e-30;
  for (const KernelReport& k : r.kernels) total += k.estimate.seconds;
  std::string out = "<div class=scroll><table><tr><th>kernel</th><th>schedule</th><th>operators</th><th class=n>time</th><th>share</th>"
                    "<th class=n>operations</th><th class=n>memory</th><th>bound by</th><th>recomputes</th><th>runner-up</th></tr>";
  for (const KernelReport& k : r.kernels) {
    const double share = k.estimate.seconds / total;
    out += fmt::format("<tr><td>{}</td><td>{}</td><td class=ops>{}</td><td class=n>{}</td><td class=n><span class=bar style='width:{:.0f}px'></span> {:.1f} %</td>"
                       "<td class=n>{}</td><td class=n>{}</td><td>{}</td><td class=ops>{}</td><td class=ops>{}</td></tr>",
                       escaped(k.name), to_string(k.kernel.plan.schedule), summary_of(k.operators), with_unit(k.estimate.seconds, "s"),
                       60 * share, 100 * share, with_unit(k.estimate.flops(), "flop"), with_unit(k.estimate.bytes(), "B"), bound_by(k.estimate),
                       k.again ? "all of it: it runs again" : summary_of(k.recomputes), runner_up_of(k));
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

const char* bound_by(const Estimate& estimate) {
  const double busy = std::max(estimate.compute_seconds, estimate.memory_seconds);
  return estimate.seconds > 2 * busy ? "launch" : estimate.compute_seconds > estimate.memory_seconds ? "arithmetic" : "memory";
}

std::string html_report(const OptimizeResult& r, const Graph* source) {
  std::string page = fmt::format(
      "<!doctype html><html lang=en><meta charset=utf-8><title>egret: {0} for {1}</title><style>{2}</style>"
      "<h1>{0}</h1><p class=note>optimized for {1}; {3} e-nodes in {4} classes, {5} iterations ({6}); {7} kernel candidates; {8}</p>",
      escaped(r.model), escaped(r.target), kStyle, r.enodes, r.eclasses, r.iterations, r.stop_reason, r.kernel_candidates,
      r.optimal ? "the choice is optimal over them"
                : r.bound > 0 ? fmt::format("no choice over them is below {}", with_unit(r.bound, "s")) : "chosen greedily");
  page += "<h2>Before and after</h2>" + figures(r) + "<h2>Predicted time</h2>" + bars(r);
  for (const std::string& limit : r.limits_reached) page += fmt::format("<p class=note>Stopped by a limit: {}.</p>", escaped(limit));
  for (const std::string& what : r.not_made) page += fmt::format("<p class=note>Not made: {}.</p>", escaped(what));
  for (const std::string& name : r.quarantined_rules) page += fmt::format("<p><b>Quarantined:</b> {} gives a term of another type.</p>", escaped(name));
  if (r.max_error) {
    page += fmt::format("<p>Both programs ran on the host: largest error {:.2g}, {}.</p>", *r.max_error, r.check_ok ? "equal" : "<b>different</b>");
  }
  if (auto device = load_device(r.target); device.ok()) page += "<h2>Roofline</h2>" + Roofline(r, *device).draw();
  page += "<h2>Rewrites</h2>" + rule_table(r);
  page += "<h2>Kernels</h2>" + kernel_table(r) +
          "<p class=note>Recomputes: operators that a kernel above computes as well. Runner-up: the kernels found in a kernel's place where it "
          "may not be chosen and its neighbours may change with it, and how much longer the program would take. "
          "<code>egret explain RUN --why-not PATTERN</code> prices any other term.</p>";
  if (source) page += "<h2>Graph before</h2><p class=note>What depends on data; work on weights alone is not drawn.</p>" + drawing_legend() + "<div class=scroll>" + draw_graph(*source) + "</div>";
  page += "<h2>Graph after</h2><p class=note>A box is a kernel.</p><div class=scroll>" + draw_program(r.program) + "</div>";
  page += "<h2>Kernel sources</h2>" + sources(r);
  page += "<h2>Program</h2><details><summary>text form</summary><pre>" + escaped(print(r.optimized).substr(0, 400'000)) + "</pre></details>";
  return page + "</html>\n";
}

}  // namespace egret
