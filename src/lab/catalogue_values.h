/* What a run can be asked for by name: fields of its record, keys of its
 * configuration, last values of its metrics. */
#ifndef EG_LAB_CATALOGUE_VALUES_H
#define EG_LAB_CATALOGUE_VALUES_H

#include "engram/catalogue.h"
#include "lab/catalogue_db.h"

/* When the file `name` of the run at dir last changed, and its size. */
egi_stamp egi_stamp_of(const char *dir, const char *name);

/* Reads what the catalogue holds beside the record, unless it is there and its
 * files are as they were; *changed: it was read. config is
 * {"section":{"key":value,...},...}, last {"metric":value,...}, in one line
 * without blanks; {} of what cannot be read. EG_ENOMEM. */
eg_status egi_details_read(egi_entry *e, bool *changed, const char *dir,
                           eg_err *err);

/* What `key` is of a run. Of a configuration and of metrics: with details. */
void egi_value_of(eg_value *v, const egi_entry *e, const char *key);
/* Is it one that any run may have: a field of the record, or a key of the
 * schema? */
bool egi_key_known(const char *key);
/* Can it be answered from the record alone? */
bool egi_key_of_record(const char *key);
/* The key of any run that is nearest to what was asked, a metric or a known
 * one; "": none is near. */
void egi_key_nearest(char near[EG_TEXT], const char *asked,
                     const egi_entry *row, int n);
/* As -1, 0, 1: nothing comes last, numbers before texts. */
int egi_value_order(const eg_value *a, const eg_value *b);

#endif
