/* All of engram's public headers. */
#ifndef ENGRAM_ENGRAM_H
#define ENGRAM_ENGRAM_H

#include "engram/bench.h"
#include "engram/claim.h"
#include "engram/config.h"
#include "engram/eval.h"
#include "engram/fields.h"
#include "engram/file.h"
#include "engram/flow.h"
#include "engram/flow_theory.h"
#include "engram/flow_theory_more.h"
#include "engram/kern.h"
#include "engram/lab.h"
#include "engram/mem.h"
#include "engram/memory.h"
#include "engram/mesa.h"
#include "engram/model.h"
#include "engram/pool.h"
#include "engram/probe.h"
#include "engram/program.h"
#include "engram/report.h"
#include "engram/rng.h"
#include "engram/run.h"
#include "engram/status.h"
#include "engram/task.h"
#include "engram/text.h"
#include "engram/theory.h"
#include "engram/train.h"
#include "engram/verify.h"
#include "engram/yaml.h"

#endif
