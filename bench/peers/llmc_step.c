/* Training steps of llm.c's CPU trainer, in turns with another program
 * (turns.py). llmc.py compiles it with -DTESTING and -I of the user's own copy
 * of llm.c, of which nothing is here.
 *
 *     llmc_step WEIGHTS BATCH POSITIONS
 *
 * The first line has loss and norm of the gradient at tokens that are known;
 * each line of standard input then makes a step, whose seconds follow it. */
#include "train_gpt2.c"

static void draw(int *tokens, int n, int vocabulary, uint64_t *state)
{
    for (int i = 0; i < n; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        tokens[i] = (int)((*state >> 33) % (uint64_t)vocabulary);
    }
}

static double norm(const float *x, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++) sum += (double)x[i] * x[i];
    return sqrt(sum);
}

static void gradient(GPT2 *m, int *tokens, int *targets, int B, int T)
{
    gpt2_forward(m, tokens, targets, (size_t)B, (size_t)T);
    gpt2_zero_grad(m);
    gpt2_backward(m);
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
    int B = argc > 3 ? atoi(argv[2]) : 4, T = argc > 3 ? atoi(argv[3]) : 256;
    FILE *say = fdopen(dup(1), "w"); /* llm.c speaks too: to stderr then */
    int *tokens = malloc((size_t)(2 * B * T) * sizeof *tokens);
    int *targets = tokens ? tokens + B * T : NULL;
    uint64_t state = 1;
    GPT2 m;
    int step = 0;

    if (argc < 2 || !say || !tokens || dup2(2, 1) < 0) return 2;
    gpt2_build_from_checkpoint(&m, argv[1]);
    for (int b = 0; b < B; b++)
        for (int t = 0; t < T; t++) {
            long i = (long)b * (T + 1) + t, V = m.config.vocab_size;

            tokens[b * T + t] = (int)(i * 7919 % V);
            targets[b * T + t] = (int)((i + 1) * 7919 % V);
        }
    gradient(&m, tokens, targets, B, T);
    fprintf(say, "[%.9g, %.9g]\n", (double)m.mean_loss,
            norm(m.grads_memory, m.num_parameters));
    fflush(say);
    gpt2_update(&m, 1e-4f, 0.9f, 0.95f, 1e-8f, 0.1f, ++step);
    for (int c; (c = getchar()) != EOF;) {
        double start;

        if (c != '\n') continue;
        draw(tokens, 2 * B * T, m.config.vocab_size, &state);
        start = seconds();
        gradient(&m, tokens, targets, B, T);
        gpt2_update(&m, 1e-4f, 0.9f, 0.95f, 1e-8f, 0.1f, ++step);
        fprintf(say, "%.6f\n", seconds() - start);
        fflush(say);
    }
    gpt2_free(&m);
    free(tokens);
    return 0;
}
