#include "extract/solve/exact/highs_module.h"

#include <cmath>
#include <vector>

#include "interfaces/highs_c_api.h"

namespace {

void on_callback(int type, const char*, const HighsCallbackDataOut* out, HighsCallbackDataIn* in, void* context) {
  const auto& model = *static_cast<const EgretHighsModel*>(context);
  if (!in) return;
  const bool spent = type == kHighsCallbackMipInterrupt && out->mip_total_lp_iterations >= model.iteration_limit;
  if (spent || (model.stop && model.stop(model.stop_context))) in->user_interrupt = 1;
}

bool load(void* highs, const EgretHighsModel& model) {
  const int32_t entries = model.row_start[model.rows];
  std::vector<HighsInt> integrality;
  if (model.integer) {
    for (int32_t c = 0; c < model.columns; ++c) {
      integrality.push_back(model.integer[c] ? kHighsVarTypeInteger : kHighsVarTypeContinuous);
    }
  }
  const HighsInt status =
      model.integer
          ? Highs_passMip(highs, model.columns, model.rows, entries, kHighsMatrixFormatRowwise, kHighsObjSenseMinimize, 0,
                          model.cost, model.lower, model.upper, model.row_lower, model.row_upper, model.row_start,
                          model.index, model.value, integrality.data())
          : Highs_passLp(highs, model.columns, model.rows, entries, kHighsMatrixFormatRowwise, kHighsObjSenseMinimize, 0,
                         model.cost, model.lower, model.upper, model.row_lower, model.row_upper, model.row_start,
                         model.index, model.value);
  return status != kHighsStatusError;
}

void set_options(void* highs, const EgretHighsModel& model) {
  Highs_setBoolOptionValue(highs, "output_flag", 0);
  Highs_setIntOptionValue(highs, "threads", 1);
  Highs_setStringOptionValue(highs, "parallel", "off");
  Highs_setIntOptionValue(highs, "random_seed", 0);
  Highs_setDoubleOptionValue(highs, "time_limit", model.seconds);
  Highs_setDoubleOptionValue(highs, "mip_rel_gap", 0);
  Highs_setDoubleOptionValue(highs, "mip_abs_gap", model.absolute_gap);
  if (model.integer) return;
  Highs_setStringOptionValue(highs, "solver", "simplex");
  const int64_t limit = model.iteration_limit < INT32_MAX ? model.iteration_limit : INT32_MAX;
  Highs_setIntOptionValue(highs, "simplex_iteration_limit", static_cast<HighsInt>(limit));
}

void give_start(void* highs, const EgretHighsModel& model) {
  std::vector<HighsInt> index;
  std::vector<double> value;
  for (int32_t c = 0; c < model.columns; ++c) {
    if (!model.integer[c]) continue;
    index.push_back(c);
    value.push_back(model.start[c]);
  }
  Highs_setSparseSolution(highs, static_cast<HighsInt>(index.size()), index.data(), value.data());
}

int32_t status_of(HighsInt model_status) {
  if (model_status == kHighsModelStatusOptimal || model_status == kHighsModelStatusModelEmpty) return kHighsOptimal;
  if (model_status == kHighsModelStatusInfeasible) return kHighsInfeasible;
  if (model_status == kHighsModelStatusTimeLimit || model_status == kHighsModelStatusIterationLimit ||
      model_status == kHighsModelStatusInterrupt || model_status == kHighsModelStatusSolutionLimit) {
    return kHighsStopped;
  }
  return kHighsFailed;
}

void collect(void* highs, const EgretHighsModel& model, EgretHighsAnswer& answer) {
  HighsInt iterations = 0, primal = 0;
  Highs_getIntInfoValue(highs, "simplex_iteration_count", &iterations);
  Highs_getIntInfoValue(highs, "primal_solution_status", &primal);
  Highs_getInt64InfoValue(highs, "mip_node_count", &answer.nodes);
  answer.iterations = iterations;
  answer.status = status_of(Highs_getModelStatus(highs));
  answer.objective = Highs_getObjectiveValue(highs);
  answer.bound = answer.status == kHighsOptimal ? answer.objective : -HUGE_VAL;
  if (model.integer) Highs_getDoubleInfoValue(highs, "mip_dual_bound", &answer.bound);
  answer.has_solution = primal == kHighsSolutionStatusFeasible;
  if (answer.column_basis) answer.has_basis = Highs_getBasis(highs, answer.column_basis, answer.row_basis) == kHighsStatusOk;
  if (!answer.has_solution) return;
  std::vector<double> dual(model.columns), row_value(model.rows), row_dual(model.rows);
  double* reduced = answer.reduced_cost ? answer.reduced_cost : dual.data();
  double* rows = answer.row_dual ? answer.row_dual : row_dual.data();
  Highs_getSolution(highs, answer.solution, reduced, row_value.data(), rows);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) void egret_highs_solve(const EgretHighsModel* model,
                                                                         EgretHighsAnswer* answer) {
  answer->status = kHighsFailed;
  answer->has_solution = 0;
  answer->bound = -HUGE_VAL;
  answer->objective = HUGE_VAL;
  answer->iterations = answer->nodes = 0;
  answer->has_basis = 0;
  void* highs = Highs_create();
  if (!highs) return;
  set_options(highs, *model);
  if (load(highs, *model)) {
    Highs_setCallback(highs, on_callback, const_cast<EgretHighsModel*>(model));
    Highs_startCallback(highs, model->integer ? kHighsCallbackMipInterrupt : kHighsCallbackSimplexInterrupt);
    if (model->integer && model->start) give_start(highs, *model);
    if (!model->integer && model->column_basis) Highs_setBasis(highs, model->column_basis, model->row_basis);
    if (Highs_run(highs) != kHighsStatusError) collect(highs, *model, *answer);
  }
  Highs_destroy(highs);
}
