import django.db.models.functions.datetime
from django.db import migrations, models

import mayfly.uploads.ids


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Heartbeat",
            fields=[
                ("name", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Upload",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=mayfly.uploads.ids.new_id,
                        editable=False,
                        max_length=22,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("box", models.CharField(max_length=22)),
                ("address", models.CharField(blank=True, max_length=22)),
                ("kind", models.CharField(choices=[("image", "image"), ("file", "file")], max_length=5)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("ready", "Ready"),
                            ("removing", "Removing"),
                            ("gone", "Gone"),
                        ],
                        default="pending",
                        max_length=8,
                    ),
                ),
                ("name", models.CharField(max_length=255)),
                ("title", models.CharField(blank=True, max_length=80)),
                ("content_type", models.CharField(blank=True, max_length=30)),
                ("size", models.BigIntegerField()),
                ("part_size", models.BigIntegerField()),
                ("transfer_id", models.TextField(blank=True)),
                ("lifetime", models.DurationField()),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("expires_at", models.DateTimeField()),
                ("completed_at", models.DateTimeField(null=True)),
                ("removed_at", models.DateTimeField(null=True)),
                ("refusal", models.TextField(blank=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["box", "state", "kind", "-completed_at"], name="box_newest"),
                    models.Index(fields=["address", "state"], name="from_address"),
                    models.Index(fields=["state", "expires_at"], name="due"),
                    models.Index(fields=["state", "id"], name="removing"),
                    models.Index(fields=["state", "removed_at"], name="receipts"),
                ],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("kind__in", ["image", "file"])), name="kind_known"),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["pending", "ready", "removing", "gone"])), name="state_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("part_size__gte", 1), ("size__gte", 1)), name="sizes_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "ready"), _negated=True),
                            ("completed_at__isnull", False),
                            _connector="OR",
                        ),
                        name="ready_is_complete",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "pending"), _negated=True),
                            ("completed_at__isnull", True),
                            _connector="OR",
                        ),
                        name="pending_is_not_complete",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "gone"), _negated=True),
                            models.Q(("address", ""), ("name", ""), ("removed_at__isnull", False), ("title", "")),
                            _connector="OR",
                        ),
                        name="gone_keeps_no_name",
                    ),
                ],
            },
        ),
    ]
