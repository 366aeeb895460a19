public class TellWfpush implements TaskListener {
  private static final HttpClient HTTP = HttpClient.newHttpClient();
  private static final ObjectMapper JSON = new ObjectMapper();

  @Override
  public void notify(DelegateTask task) {
    Map<String, Object> said = new HashMap<>();
    said.put("id", task.getId());
    said.put("eventName", task.getEventName());
    said.put("name", task.getName());
    said.put("assignee", task.getAssignee());
    said.put("priority", task.getPriority());
    said.put("due", task.getDueDate() == null ? null : task.getDueDate().toInstant().toString());
    said.put("lastUpdated", Instant.now().toString());
    said.put("processInstanceId", task.getProcessInstanceId());
    said.put("candidateUsers", people(task, IdentityLink::getUserId));
    said.put("candidateGroups", people(task, IdentityLink::getGroupId));
    Context.getCommandContext().getTransactionContext()
        .addTransactionListener(TransactionState.COMMITTED, context -> post(said));
  }

  private static List<String> people(DelegateTask task, Function<IdentityLink, String> who) {
    return task.getCandidates().stream().map(who).filter(Objects::nonNull).toList();
  }

  private static void post(Map<String, Object> said) {
    try {
      HTTP.sendAsync(HttpRequest.newBuilder(URI.create(System.getenv("WFPUSH") + "/api/v1/engines/claims/events"))
          .header("X-API-Key", System.getenv("WFPUSH_KEY"))
          .header("Content-Type", "application/json")
          .timeout(Duration.ofSeconds(10))
          .POST(HttpRequest.BodyPublishers.ofString(JSON.writeValueAsString(said))).build(),
          HttpResponse.BodyHandlers.discarding());
    } catch (JsonProcessingException wrong) {
      throw new IllegalStateException(wrong);
    }
  }
}
