#include "core/error/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace normd {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(ErrorDetails, AreEmptyWhereNothingWasAdded) {
  for (const absl::Status& status : {absl::OkStatus(), absl::InternalError("x")}) {
    const ErrorDetails details = DetailsOf(status);
    EXPECT_EQ(details.field, "");
    EXPECT_EQ(details.reason, "");
    EXPECT_EQ(details.resource, "");
    EXPECT_THAT(details.metadata, IsEmpty());
  }
}

TEST(ErrorDetails, LeaveOutPayloadsOfOthers) {
  absl::Status status = absl::InternalError("x");
  status.SetPayload("elsewhere/field", absl::Cord("a"));
  EXPECT_EQ(DetailsOf(status).field, "");
  EXPECT_THAT(DetailsOf(status).metadata, IsEmpty());
}

TEST(ErrorDetails, HoldEverythingThatWasAdded) {
  absl::Status status = InvalidFieldError("data", "is wrong");
  status = WithReason(status, "WRONG");
  status = WithResource(status, "sessions/x");
  status = WithMetadata(status, "limit", "7");
  status = WithMetadata(status, "expected", "8");
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_EQ(status.message(), "is wrong");
  const ErrorDetails details = DetailsOf(status);
  EXPECT_EQ(details.field, "data");
  EXPECT_EQ(details.reason, "WRONG");
  EXPECT_EQ(details.resource, "sessions/x");
  EXPECT_THAT(details.metadata, ElementsAre(Pair("expected", "8"), Pair("limit", "7")));
}

TEST(ErrorDetails, KeepTheLastValueOfAKey) {
  absl::Status status = WithReason(absl::AbortedError("x"), "FIRST");
  EXPECT_EQ(DetailsOf(WithReason(status, "SECOND")).reason, "SECOND");
}

TEST(PrefixField, PutsPathsInFront) {
  const absl::Status inner = WithReason(InvalidFieldError("value", "must be finite"), "WHY");
  const absl::Status outer = PrefixField("spec", PrefixField("epsilon", inner));
  EXPECT_EQ(DetailsOf(outer).field, "spec.epsilon.value");
  EXPECT_EQ(DetailsOf(outer).reason, "WHY");
  EXPECT_EQ(outer.message(), "must be finite");
}

TEST(PrefixField, LeavesErrorsWithoutAFieldAndOkAlone) {
  const absl::Status error = WithReason(absl::NotFoundError("x"), "WHY");
  EXPECT_EQ(PrefixField("spec", error), error);
  EXPECT_TRUE(PrefixField("spec", absl::OkStatus()).ok());
}

absl::Status ReturnIfError(const absl::Status& status, int* evaluations) {
  NORMD_RETURN_IF_ERROR((++*evaluations, status));
  return absl::AlreadyExistsError("went on");
}

TEST(ReturnIfError, ReturnsErrorsAndGoesOnAfterOk) {
  int evaluations = 0;
  const absl::Status error = InvalidFieldError("a", "b");
  EXPECT_EQ(ReturnIfError(error, &evaluations), error);
  EXPECT_TRUE(absl::IsAlreadyExists(ReturnIfError(absl::OkStatus(), &evaluations)));
  EXPECT_EQ(evaluations, 2);
}

}  // namespace
}  // namespace normd
