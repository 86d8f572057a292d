/* The 68 words of question formation, and which class each is of. */
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "task/question_grammar.h"

/* By code point: the number of a word is its place, from 1. */
static const struct {
    const char *text;
    egi_words class;
} word[EGI_WORDS] = {{".", EGI_STOP},
                     {"?", EGI_ASK},
                     {"above", EGI_PREP},
                     {"accept", EGI_TRANSITIVE},
                     {"admire", EGI_TRANSITIVE},
                     {"amuse", EGI_TRANSITIVE},
                     {"applaud", EGI_TRANSITIVE},
                     {"around", EGI_PREP},
                     {"behind", EGI_PREP},
                     {"below", EGI_PREP},
                     {"by", EGI_PREP},
                     {"change", EGI_INTRANSITIVE},
                     {"comfort", EGI_TRANSITIVE},
                     {"confuse", EGI_TRANSITIVE},
                     {"decl", EGI_DECL},
                     {"do", EGI_AUX_P},
                     {"does", EGI_AUX_S},
                     {"doesn't", EGI_AUX_S},
                     {"don't", EGI_AUX_P},
                     {"eat", EGI_INTRANSITIVE},
                     {"entertain", EGI_TRANSITIVE},
                     {"giggle", EGI_INTRANSITIVE},
                     {"her", EGI_DET},
                     {"high_five", EGI_TRANSITIVE},
                     {"move", EGI_INTRANSITIVE},
                     {"my", EGI_DET},
                     {"near", EGI_PREP},
                     {"newt", EGI_NOUN_S},
                     {"newts", EGI_NOUN_P},
                     {"orangutan", EGI_NOUN_S},
                     {"orangutans", EGI_NOUN_P},
                     {"our", EGI_DET},
                     {"peacock", EGI_NOUN_S},
                     {"peacocks", EGI_NOUN_P},
                     {"quail", EGI_NOUN_S},
                     {"quails", EGI_NOUN_P},
                     {"quest", EGI_QUEST},
                     {"raven", EGI_NOUN_S},
                     {"ravens", EGI_NOUN_P},
                     {"read", EGI_INTRANSITIVE},
                     {"remember", EGI_TRANSITIVE},
                     {"salamander", EGI_NOUN_S},
                     {"salamanders", EGI_NOUN_P},
                     {"sleep", EGI_INTRANSITIVE},
                     {"smile", EGI_INTRANSITIVE},
                     {"some", EGI_DET},
                     {"swim", EGI_INTRANSITIVE},
                     {"that", EGI_REL},
                     {"the", EGI_DET},
                     {"tyrannosaurus", EGI_NOUN_S},
                     {"tyrannosauruses", EGI_NOUN_P},
                     {"unicorn", EGI_NOUN_S},
                     {"unicorns", EGI_NOUN_P},
                     {"upon", EGI_PREP},
                     {"vulture", EGI_NOUN_S},
                     {"vultures", EGI_NOUN_P},
                     {"wait", EGI_INTRANSITIVE},
                     {"walrus", EGI_NOUN_S},
                     {"walruses", EGI_NOUN_P},
                     {"who", EGI_REL},
                     {"with", EGI_PREP},
                     {"xylophone", EGI_NOUN_S},
                     {"xylophones", EGI_NOUN_P},
                     {"yak", EGI_NOUN_S},
                     {"yaks", EGI_NOUN_P},
                     {"your", EGI_DET},
                     {"zebra", EGI_NOUN_S},
                     {"zebras", EGI_NOUN_P}};

const char *egi_question_word(int id, char buf[16])
{
    if (id >= 1 && id <= EGI_WORDS) return word[id - 1].text;
    if (id == EGI_LINE_END) return "</s>";
    if (id == EGI_LINE_START) return "<s>";
    if (id < EGI_QUESTION_VOCAB) return "<pad>";
    (void)snprintf(buf, 16, "det%d", id - EGI_QUESTION_VOCAB + EGI_DETS + 1);
    return buf;
}

int egi_question_find(const char *text, size_t n, int dets)
{
    int64_t k;
    char buf[16];

    for (int i = 0; i < EGI_WORDS; i++)
        if (strlen(word[i].text) == n && memcmp(word[i].text, text, n) == 0)
            return i + 1;
    if (n < 4 || n >= sizeof buf || memcmp(text, "det", 3) != 0) return -1;
    memcpy(buf, text + 3, n - 3);
    buf[n - 3] = '\0';
    if (!egi_int_parse(buf, &k) || k <= EGI_DETS || k > dets) return -1;
    return (int)k - EGI_DETS - 1 + EGI_QUESTION_VOCAB;
}

int egi_question_class(int id)
{
    if (id >= 1 && id <= EGI_WORDS) return (int)word[id - 1].class;
    return id >= EGI_QUESTION_VOCAB ? EGI_DET : -1;
}
