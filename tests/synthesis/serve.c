/* Loads a SavedModel with TensorFlow's C API, as TensorFlow Serving does, and paints one square.

   serve FOLDER IMAGE MASK SEED OUTPUT, where each of the last four is OPERATION:INDEX.
   Prints the pixels that changed inside and outside the mask. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tensorflow/c/c_api.h>

enum { ROWS = 90, COLUMNS = 70 };

static void check(TF_Status *status, const char *what) {
  if (TF_GetCode(status) != TF_OK) {
    fprintf(stderr, "%s: %s\n", what, TF_Message(status));
    exit(1);
  }
}

static TF_Output named(TF_Graph *graph, char *name) {
  char *colon = strchr(name, ':');
  *colon = 0;
  TF_Output output = {TF_GraphOperationByName(graph, name), atoi(colon + 1)};
  if (!output.oper) {
    fprintf(stderr, "%s: no such operation\n", name);
    exit(1);
  }
  return output;
}

int main(int count, char **given) {
  if (count != 6) return 2;
  TF_Status *status = TF_NewStatus();
  TF_Graph *graph = TF_NewGraph();
  TF_SessionOptions *options = TF_NewSessionOptions();
  const char *tags[] = {"serve"};
  TF_Session *session =
      TF_LoadSessionFromSavedModel(options, NULL, given[1], tags, 1, graph, NULL, status);
  check(status, "load");

  int64_t shape[] = {1, ROWS, COLUMNS, 1}, one[] = {1};
  size_t bytes = ROWS * COLUMNS * sizeof(float);
  TF_Tensor *inputs[] = {TF_AllocateTensor(TF_FLOAT, shape, 4, bytes),
                         TF_AllocateTensor(TF_FLOAT, shape, 4, bytes),
                         TF_AllocateTensor(TF_INT32, one, 1, sizeof(int))};
  float *image = TF_TensorData(inputs[0]), *mask = TF_TensorData(inputs[1]);
  *(int *)TF_TensorData(inputs[2]) = 3;
  for (int i = 0; i < ROWS * COLUMNS; i++) {
    int row = i / COLUMNS, column = i % COLUMNS;
    image[i] = -850;
    mask[i] = row >= 40 && row < 50 && column >= 30 && column < 45;
  }
  TF_Output places[] = {named(graph, given[2]), named(graph, given[3]), named(graph, given[4])};
  TF_Output wanted = named(graph, given[5]);
  TF_Tensor *painted;
  TF_SessionRun(session, NULL, places, inputs, 3, &wanted, &painted, 1, NULL, 0, NULL, status);
  check(status, "run");

  float *result = TF_TensorData(painted);
  int inside = 0, outside = 0;
  for (int i = 0; i < ROWS * COLUMNS; i++)
    if (result[i] != -850) mask[i] ? inside++ : outside++;
  printf("%d %d\n", inside, outside);
  return 0;
}
