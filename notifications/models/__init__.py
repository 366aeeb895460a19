"""The tables, one file for each concept, and the checks of values that models and API share.

In: nothing: models import no other room.
Out: models. A change of them that several places need is a function of another room.
"""

from notifications.models.absences import Absence, AbsencePart, OpenItems
from notifications.models.accounts import ConnectedAccount, InTheNameOf, PersonalSignIn
from notifications.models.delivery import (
    Delivery,
    DeliveryAttempt,
    DeliveryReceipt,
    DeliveryState,
    Held,
    Notification,
    NotificationState,
    SearchedAnew,
    SearchedPart,
)
from notifications.models.devices import AddressKind, Device, Farewell, LockScreen, PausedService, PushKey
from notifications.models.engines import (
    AnswerMapping,
    ApiKey,
    AuthKind,
    Engine,
    EngineAccess,
    EventMapping,
    Poll,
    PolledTask,
    Scope,
    SigningSecret,
    TokenBody,
)
from notifications.models.events import (
    ANSWERABLE,
    CHANGED_NOTHING,
    CLOSED,
    DEADLINE,
    Case,
    Event,
    EventStatus,
    Priority,
    Task,
    TaskContent,
    TaskState,
    Urgency,
)
from notifications.models.limits import Limit
from notifications.models.messages import (
    MOST_TEXT,
    Addressee,
    AddresseeState,
    Attachment,
    AttachmentPiece,
    MessageKind,
    TaskMessage,
)
from notifications.models.people import (
    Account,
    Brand,
    EntitlementReview,
    LinkMail,
    LinkRequest,
    Recipient,
    RecipientToken,
    SavedView,
    SignedOut,
    SignInLink,
    Team,
)
from notifications.models.preferences import (
    LEAST_PAUSE,
    MOST_PAUSE,
    USUAL_DIGEST_TIMES,
    USUAL_PAUSE,
    CategoryChoice,
    CategoryDefault,
    FollowedKind,
    HeldReview,
    MutedCase,
    Preferences,
    QuietHours,
)
from notifications.models.responses import (
    ActionToken,
    Assurance,
    Callback,
    CallbackAttempt,
    CallbackState,
    FourEyesCondition,
    FourEyesRule,
    IdempotencyKey,
    RefusedAnswer,
    Response,
    Via,
    via_choices,
)
from notifications.models.routing import (
    MOST_ROLE,
    CaseList,
    Category,
    Condition,
    EventType,
    EventVariable,
    Frequency,
    Operator,
    Route,
    RouteCondition,
    RouteTarget,
    TargetKind,
)
from notifications.models.templates import (
    MOST_FACTS,
    CommentRuleChoice,
    CustomerText,
    FactKind,
    Template,
    TemplateAction,
    TemplateFact,
    TemplateText,
    TemplateVersion,
    VersionState,
    WrittenText,
)
